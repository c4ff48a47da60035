-- Apply a batch of moves to one running sum: all of it is one atomic step of the server.
-- KEYS: state hash, mark of this server's life, journal stream.
-- ARGV: name as JSON, seconds a key is remembered, most entries the journal may hold,
--       then for each move: kind, amount, idempotency key or '', key and actor as
--       JSON with a comma between, node as JSON.
-- Answers for each move {outcome, sum, microseconds, sequence, node}, or a word where nothing was applied.
local state_key, life_key, journal = KEYS[1], KEYS[2], KEYS[3]
local name, remember, most = ARGV[1], ARGV[2], tonumber(ARGV[3])

local state = redis.call('HMGET', state_key, 'life', 'seq', 'sum')
if not state[1] or state[1] ~= redis.call('GET', life_key) then
  return 'unchecked' -- The server started, or lost this sum, since it was last compared with the history.
end

local first, answers = tonumber(state[2]), {}
local seq, sum = first, state[3]
local clock = redis.call('TIME')
local at = clock[1] .. string.rep('0', 6 - #clock[2]) .. clock[2]
local room = most - redis.call('XLEN', journal)

for i = 4, #ARGV, 5 do
  local kind, amount, key, tail, node = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local earlier = key ~= '' and redis.call('HMGET', key, 'move', 'sum', 'at', 'seq', 'node')
  local answer
  if kind == 'read' then
    answer = {'read', sum, at, seq, node}
  elseif earlier and earlier[1] then
    if earlier[1] == kind .. amount then
      answer = {'replayed', earlier[2], earlier[3], tonumber(earlier[4]), earlier[5]}
    else
      answer = {'other_move', sum, at, seq, node}
    end
  elseif seq - first >= room then
    answer = {'backlog', sum, at, seq, node}
  else
    local added = kind == 'reset' and 0 or redis.pcall('HINCRBY', state_key, 'sum', amount)
    if type(added) == 'table' and not string.find(added.err, 'overflow', 1, true) then
      return added -- Memory is full, say. Redis refuses the first write of a script, or none: nothing was changed.
    elseif type(added) == 'table' then -- HINCRBY refuses what 64 bits cannot hold, and changes nothing.
      answer = {'bound', sum, at, seq, node}
    else
      seq = seq + 1
      if kind == 'reset' then
        redis.call('HSET', state_key, 'sum', '0')
        sum = '0'
      elseif added > -9007199254740992 and added < 9007199254740992 then
        sum = string.format('%.0f', added)
      else
        sum = redis.call('HGET', state_key, 'sum') -- A Lua number is a double: beyond 2^53 the text is exact.
      end
      local number = string.format('%.0f', seq)
      redis.call('XADD', journal, '*', 'e', '[' .. name .. ',' .. number .. ',"' .. kind .. '","' .. amount .. '","'
        .. sum .. '","' .. at .. '",' .. node .. ',' .. tail .. ']')
      if key ~= '' then
        redis.call('HSET', key, 'move', kind .. amount, 'sum', sum, 'at', at, 'seq', number, 'node', node)
        redis.call('EXPIRE', key, remember)
      end
      answer = {'applied', sum, at, seq, node}
    end
  end
  answers[#answers + 1] = answer
end

if seq > first then
  redis.call('HSET', state_key, 'seq', string.format('%.0f', seq))
end
return answers
