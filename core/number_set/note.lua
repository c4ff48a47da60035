-- Put one entry into the journal and answer its sequence. This stands in front of the scripts that change a set.
-- `name` and `tail` (node, actor and key) are JSON already: what is put together here is paid by everyone who waits.
local function note(journal, last, kind, number, count, name, tail)
  local clock = redis.call('TIME')
  local at = clock[1] * 1000000 + clock[2]
  local text = string.format('%.0f', at)
  local seq = text
  -- Later than the last entry of the set, and, as the clock goes on, than all of one of this name that is gone.
  if last and tonumber(last) >= at then
    seq = string.format('%.0f', last + 1)
  end
  redis.call('XADD', journal, '*', 'e',
    '[' .. name .. ',' .. seq .. ',"' .. kind .. '",' .. number .. ',' .. count .. ',' .. text .. ',' .. tail .. ']')
  return seq
end
