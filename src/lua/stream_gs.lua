-- What a stream has to say of a host: relations before the messages that may
-- come of them, in one look. Reads only.
-- KEYS  1 prefix
-- ARGV  1 host  2 cursor of its relations  3 cursor of its messages ('' begins
--       after what is done with)  4 limit, of both together
-- Gives {'ok', more, {reset, done, position, entries} of the relations, the
--       same of the messages, lapse, {gm, ...}}; see include/peek.lua and
--       host_online.lua
-- include clock
-- include presence
-- include wake
-- include mailbox
-- include cursor
-- include peek
-- include online_list
local prefix = KEYS[1]
local host, limit = ARGV[1], tonumber(ARGV[4])
local rel, more_rel = peek(prefix .. 'rel:h' .. host, ARGV[2], limit)
local box, more_box = peek(prefix .. 'box:h' .. host, ARGV[3],
                           limit - #rel[4])
local gms, lapse = online_list(prefix, host)

return { 'ok', math.max(more_rel, more_box), rel, box, lapse, gms }
