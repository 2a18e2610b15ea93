-- Wakes who waits for a receiver: 'h<host>', 'g<gm>', or 'gms' for the mailbox
-- of any GM (docs/keys.md, "Wake-ups"). A hint: the keys are the truth, so that
-- a store user without the right to publish costs a waiter time, and no
-- message.
local function wake(prefix, receiver, words)
    redis.pcall('PUBLISH', prefix .. 'to:' .. receiver, words)
end
