-- A plain receive of one mailbox: what it gives is in flight until landed.lua
-- or returned.lua settles it, or `patience` is over.
-- KEYS  1 prefix  2 mailbox
-- ARGV  1 limit  2 patience in milliseconds
-- Gives {'ok', cursor, more, reset, receipt, entries}
-- include idle
local nothing = idle(KEYS[2])

if nothing then
    return { 'ok', nothing, 0, 0, '', {} }
end

-- include clock
-- include wake
-- include mailbox
-- include flight
local limit, patience = tonumber(ARGV[1]), tonumber(ARGV[2])
local box = mailbox(KEYS[2])
local now = math.floor(clock() / 1000)
local entries, more, receipt, cursor = take(box, limit, now, patience)

return { 'ok', cursor, more, 0, receipt, entries }
