-- A plain receive of one mailbox: what it gives is in flight until landed.lua
-- or returned.lua settles it, or `patience` is over.
-- KEYS  1 prefix
-- ARGV  1 mailbox  2 limit  3 patience in milliseconds
-- Gives {'ok', cursor, more, reset, receipt, entries[, idle]}; idle: 1 where all
--       in the mailbox is done with
-- include idle
local nothing = idle(ARGV[1])

if nothing then
    return { 'ok', nothing, 0, 0, '', {}, 1 }
end

-- include clock
-- include wake
-- include mailbox
-- include flight
local limit, patience = tonumber(ARGV[2]), tonumber(ARGV[3])
local box = mailbox(ARGV[1])
local now = math.floor(clock() / 1000)
local entries, more, receipt, cursor = take(box, limit, now, patience)

return { 'ok', cursor, more, 0, receipt, entries }
