-- Take a number out of a set: of many who try at once, SETBIT lets exactly one win.
-- KEYS: bits (set where extracted), facts, idempotency key or '', journal, names, mark of a whole server.
-- ARGV: number, seconds a key is remembered, the maximum of a set that is always there or '', most entries the journal
--       may hold, the name, the name as JSON, and node, actor and key as JSON.
-- Answers {outcome, number of extracted, maximum}.
local bits, facts, key, journal, names, whole = unpack(KEYS)
local number, remember = tonumber(ARGV[1]), ARGV[2]

if redis.call('EXISTS', whole) == 0 then
  return {'unchecked', 0, 0} -- The server was emptied since the sets were last compared with their history.
end

local known = redis.call('HMGET', facts, 'max', 'count', 'sum', 'ranges', 'seq')
local highest, count = tonumber(known[1] or ARGV[3]), tonumber(known[2]) or 0
if not highest then
  return {'unknown', 0, 0}
end
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
count = count + 1
-- A number next to one that is missing lengthens its range; between two it joins them.
local neighbours = redis.call('GETBIT', bits, number - 1) + redis.call('GETBIT', bits, number + 1)
local seq = note(journal, known[5], 'extract', ARGV[1], count, ARGV[6], ARGV[7])
-- The sum of all numbers to ten million has fourteen digits, which a Lua number holds exactly.
redis.call('HSET', facts, 'max', highest, 'count', count, 'sum', (known[3] or 0) + number,
  'ranges', (known[4] or 0) + 1 - neighbours, 'seq', seq)
if not known[5] then
  redis.call('ZADD', names, 0, ARGV[5]) -- One that is always there, or was made before there was a list.
end
if key ~= '' then
  redis.call('HSET', key, 'number', ARGV[1], 'count', count)
  redis.call('EXPIRE', key, remember)
end
return {'ok', count, highest}
