-- What operators changed and were refused, newest first, from the entry before
-- `before` on.
-- KEYS  1 prefix
-- ARGV  1 before (an id, or '')  2 limit
-- Gives {'ok', more, entries}
local before, limit = ARGV[1], tonumber(ARGV[2])

if before == '0-0' then
    return { 'ok', 0, {} }
end

local entries = redis.call('XREVRANGE', KEYS[1] .. 'audit',
                           before ~= '' and '(' .. before or '+', '-',
                           'COUNT', limit + 1)
local more = #entries > limit and 1 or 0

entries[limit + 1] = nil

return { 'ok', more, entries }
