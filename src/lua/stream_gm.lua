-- What a stream has to say of a GM's mailbox. Reads only.
-- KEYS  1 prefix  2 mailbox
-- ARGV  1 cursor ('' begins after what is done with)  2 limit
-- Gives {'ok', more, {reset, done, position, entries}}; see include/peek.lua
-- include clock
-- include wake
-- include mailbox
-- include cursor
-- include peek
local part, more = peek(KEYS[2], ARGV[1], tonumber(ARGV[2]))

return { 'ok', more, part }
