-- What a stream has to say of a GM's mailbox. Reads only.
-- KEYS  1 prefix
-- ARGV  1 mailbox  2 cursor ('' begins after what is done with)  3 limit
-- Gives {'ok', more, {reset, done, position, entries}}; see include/peek.lua
-- include clock
-- include wake
-- include mailbox
-- include cursor
-- include peek
local part, more = peek(ARGV[1], ARGV[2], tonumber(ARGV[3]))

return { 'ok', more, part }
