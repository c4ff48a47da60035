-- Make a set, put all its numbers back, or forget it, and note that: one step of the server.
-- KEYS: bits, facts, errors, journal, names, mark of a whole server.
-- ARGV: kind, the maximum of a set to make or of one that is always there or '', most entries the journal may hold,
--       the name, the name as JSON, and node, actor and no key as JSON.
-- Answers {outcome, maximum}.
local bits, facts, errors, journal, names, whole = unpack(KEYS)
if redis.call('EXISTS', whole) == 0 then
  return {'unchecked', 0} -- The server was emptied since the sets were last compared with their history.
end
local kind, known = ARGV[1], redis.call('HMGET', facts, 'max', 'seq')
local highest = known[1] or ARGV[2]

if kind == 'create' and known[1] then
  redis.call('ZADD', names, 0, ARGV[4]) -- One that was made before there was a list.
  return {'there', tonumber(highest)}
end
if highest == '' then
  return {'unknown', 0}
end
if redis.call('XLEN', journal) >= tonumber(ARGV[3]) then
  return {'backlog', tonumber(highest)}
end
local seq = note(journal, known[2], kind, highest, 0, ARGV[5], ARGV[6])
redis.call('DEL', bits, facts)
if kind == 'delete' then
  redis.call('DEL', errors)
  redis.call('ZREM', names, ARGV[4])
else
  redis.call('HSET', facts, 'max', highest, 'seq', seq)
  redis.call('ZADD', names, 0, ARGV[4])
end
return {'ok', tonumber(highest)}
