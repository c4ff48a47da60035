-- Take a number out of a set: of many who try at once, SETBIT lets exactly one win.
-- KEYS: bits (set where extracted), facts, idempotency key or '', journal, names.
-- ARGV: number, seconds a key is remembered, the maximum of a set that is always there or '', most entries the journal
--       may hold, the name, and name, node, actor and key as JSON.
-- Answers {outcome, number of extracted, maximum}.
local bits, facts, key, journal, names = unpack(KEYS)
local number, remember = tonumber(ARGV[1]), ARGV[2]

local highest = tonumber(redis.call('HGET', facts, 'max'))
if not highest then
  highest = tonumber(ARGV[3])
  if not highest then
    return {'unknown', 0, 0}
  end
  redis.call('HSET', facts, 'max', ARGV[3])
  redis.call('ZADD', names, 0, ARGV[5])
end
local count = tonumber(redis.call('HGET', facts, 'count')) or 0
if key ~= '' then
  local earlier = redis.call('HMGET', key, 'number', 'count')
  if earlier[1] then
    return {earlier[1] == ARGV[1] and 'replayed' or 'other_number', tonumber(earlier[2]), highest}
  end
end
if number < 1 or number > highest then
  return {'range', count, highest}
end
if redis.call('XLEN', journal) >= tonumber(ARGV[4]) then
  return {'backlog', count, highest}
end
if redis.call('SETBIT', bits, number, 1) == 1 then
  return {'extracted', count, highest}
end
count = redis.call('HINCRBY', facts, 'count', 1)
redis.call('HINCRBY', facts, 'sum', ARGV[1])
-- A number next to one that is missing lengthens its range; between two it joins them.
local neighbours = redis.call('GETBIT', bits, number - 1) + redis.call('GETBIT', bits, number + 1)
redis.call('HINCRBY', facts, 'ranges', 1 - neighbours)
note(facts, journal, 'extract', number, count, ARGV[6], ARGV[7], ARGV[8], ARGV[9])
if key ~= '' then
  redis.call('HSET', key, 'number', ARGV[1], 'count', count)
  redis.call('EXPIRE', key, remember)
end
return {'ok', count, highest}
