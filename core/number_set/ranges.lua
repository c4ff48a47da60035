-- The ranges of extracted numbers from a number on: BITPOS jumps over what is not asked for.
-- KEYS: bits. ARGV: first number, most ranges. Answers first, last, first, last, ...
local bits, from, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local answer = {}
local behind = redis.call('STRLEN', bits) * 8
while #answer < most * 2 and from < behind do
  local first = redis.call('BITPOS', bits, 1, from, -1, 'BIT')
  if first < 0 then
    break
  end
  local after = redis.call('BITPOS', bits, 0, first, -1, 'BIT')
  if after < 0 then
    after = behind
  end
  answer[#answer + 1] = first
  answer[#answer + 1] = after - 1
  from = after
end
return answer
