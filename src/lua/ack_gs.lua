-- Acknowledges what a stream gave, in both mailboxes of each host that it
-- names.
-- KEYS  1 prefix
-- ARGV  1 the stream's cursor, '<host>:<relation id>:<message id>,...'; an id
--       may be empty  2 hosts (',1001,1002,') that the caller may speak for,
--       or ''
-- Gives {'ok', reset} | {'no_cursor'} | {'host_forbidden'}; reset: 1 where an
--       id is not part of its mailbox's history, and acknowledges nothing there
-- Event to each host: what is done with
-- include clock
-- include wake
-- include mailbox
-- include cursor
-- include acknowledge
-- include cursor_items
local prefix, hosts = KEYS[1], ARGV[2]
local items = cursor_items(ARGV[1], 2)
local reset = 0

if not items then
    return { 'no_cursor' }
end

for _, item in ipairs(items) do
    if hosts ~= ''
        and not string.find(hosts, ',' .. item[1] .. ',', 1, true)
    then
        return { 'host_forbidden' }
    end
end

local function acknowledge_in(key, id)
    if id ~= '' then
        reset = math.max(reset, acknowledge(mailbox(key), id))
    end
end

for _, item in ipairs(items) do
    acknowledge_in(prefix .. 'rel:h' .. item[1], item[2])
    acknowledge_in(prefix .. 'box:h' .. item[1], item[3])
end

return { 'ok', reset }
