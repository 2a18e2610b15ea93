-- Wakes who waits for a mailbox. A hint: the mailbox is the truth, so that a
-- store user without the right to publish costs a waiter time, and no message.
local function wake(key, id)
    redis.pcall('PUBLISH', key, id)
end
