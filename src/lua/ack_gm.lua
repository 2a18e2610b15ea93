-- Acknowledges what a stream gave, in each GM's mailbox that it names.
-- KEYS  1 prefix
-- ARGV  1 the stream's cursor, '<gm>:<id>,...'; an id may be empty
-- Gives {'ok', reset} | {'no_cursor'}; reset: 1 where an id is not part of its mailbox's
--       history, and acknowledges nothing there
-- Event to each GM: what is done with; to all GMs, where there is more to take
-- include clock
-- include wake
-- include mailbox
-- include cursor
-- include acknowledge
-- include cursor_items
local prefix = KEYS[1]
local items = cursor_items(ARGV[1], 1)
local reset = 0

if not items then
    return { 'no_cursor' }
end

for _, item in ipairs(items) do
    if item[2] ~= '' then
        reset = math.max(reset, acknowledge(
            mailbox(prefix .. 'box:g' .. item[1]), item[2]))
    end
end

return { 'ok', reset }
