-- Compare one running sum with its history, and put back what the server lost.
-- KEYS: state hash, mark of this server's life, journal stream.
-- ARGV: name as JSON, last sequence in the history, the sum after it, node as JSON, a mark to use if there is none.
-- Answers 1 where something was restored.
local state_key, life_key, journal = KEYS[1], KEYS[2], KEYS[3]
local name, known_seq, known_sum, node, mark = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]

redis.call('SET', life_key, mark, 'NX')
local life = redis.call('GET', life_key)
local seq = redis.call('HGET', state_key, 'seq')
if seq and tonumber(seq) >= known_seq then
  redis.call('HSET', state_key, 'life', life)
  return 0
end
if known_seq == 0 then
  redis.call('HSET', state_key, 'life', life, 'seq', '0', 'sum', '0')
  return 0
end
local clock = redis.call('TIME')
local at = clock[1] .. string.rep('0', 6 - #clock[2]) .. clock[2]
local number = string.format('%.0f', known_seq + 1)
redis.call('HSET', state_key, 'life', life, 'seq', number, 'sum', known_sum)
redis.call('XADD', journal, '*', 'e', '[' .. name .. ',' .. number .. ',"restore","0","' .. known_sum .. '","' .. at
  .. '",' .. node .. ',null]')
return 1
