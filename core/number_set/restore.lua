-- Put back into one set what the server lost of it: entries of its history, in order.
-- KEYS: bits, facts, errors, names, then the idempotency key of each entry or ''.
-- ARGV: name, the maximum of a set that is always there or '', then for each entry: kind, number, how many had been
--       extracted after it, sequence, seconds its key is still remembered.
-- What is known of a set follows from its numbers, as in extract.lua.
local bits, facts, errors, names = unpack(KEYS, 1, 4)
local name = ARGV[1]
local known = redis.call('HMGET', facts, 'max', 'count', 'sum', 'ranges')
local highest, count, sum, ranges = known[1] or ARGV[2], known[2] or 0, known[3] or 0, known[4] or 0
local seq
for at = 3, #ARGV, 5 do
  local kind, number, key = ARGV[at], ARGV[at + 1], KEYS[5 + (at - 3) / 5]
  seq = ARGV[at + 3]
  if kind ~= 'extract' then
    redis.call('DEL', bits)
    count, sum, ranges = 0, 0, 0
    highest = kind ~= 'delete' and number or ARGV[2]
    if kind == 'delete' then
      redis.call('DEL', errors)
    end
  elseif redis.call('SETBIT', bits, number, 1) == 0 then
    count, sum = count + 1, sum + number
    ranges = ranges + 1 - redis.call('GETBIT', bits, number - 1) - redis.call('GETBIT', bits, number + 1)
  end
  if key ~= '' then
    redis.call('HSET', key, 'number', number, 'count', ARGV[at + 2])
    redis.call('EXPIRE', key, ARGV[at + 4])
  end
end
if highest == '' then
  redis.call('DEL', bits, facts)
  redis.call('ZREM', names, name)
else
  redis.call('HSET', facts, 'max', highest, 'count', count, 'sum', sum, 'ranges', ranges, 'seq', seq)
  redis.call('ZADD', names, 0, name)
end
