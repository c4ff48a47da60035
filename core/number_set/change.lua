-- Make a set, put all its numbers back, or forget it, and note that: one step of the server.
-- KEYS: bits, facts, errors, journal, names.
-- ARGV: kind, the maximum of a set to make or of one that is always there or '', most entries the journal may hold,
--       the name, and name, node and actor as JSON.
-- Answers {outcome, maximum}.
local bits, facts, errors, journal, names = unpack(KEYS)
local kind, highest = ARGV[1], redis.call('HGET', facts, 'max')

if kind == 'create' and highest then
  redis.call('ZADD', names, 0, ARGV[4]) -- One that was made before there was a list.
  return {'there', tonumber(highest)}
end
highest = highest or ARGV[2]
if highest == '' then
  return {'unknown', 0}
end
if redis.call('XLEN', journal) >= tonumber(ARGV[3]) then
  return {'backlog', tonumber(highest)}
end
redis.call('HSET', facts, 'max', highest)
redis.call('ZADD', names, 0, ARGV[4])
redis.call('DEL', bits)
redis.call('HDEL', facts, 'count', 'sum', 'ranges')
note(facts, journal, kind, highest, 0, ARGV[5], ARGV[6], ARGV[7], 'null')
if kind == 'delete' then
  redis.call('DEL', facts, errors)
  redis.call('ZREM', names, ARGV[4])
end
return {'ok', tonumber(highest)}
