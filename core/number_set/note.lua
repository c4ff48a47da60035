-- Put one entry into the journal. This stands in front of the scripts that change a set.
local function note(facts, journal, kind, number, count, name, node, actor, key)
  local clock = redis.call('TIME')
  local at = clock[1] * 1000000 + clock[2]
  -- Later than the last entry of the set, and, as the clock goes on, than all of one of this name that is gone.
  local seq = math.max(at, (tonumber(redis.call('HGET', facts, 'seq')) or 0) + 1)
  redis.call('HSET', facts, 'seq', string.format('%.0f', seq))
  redis.call('XADD', journal, '*', 'e', string.format('[%s,%.0f,"%s",%d,%d,%.0f,%s,%s,%s]',
    name, seq, kind, number, count, at, node, actor, key))
end
