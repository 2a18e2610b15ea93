-- Writes a message into the conversation of a player: at least the newest
-- `keep`, for `ttl` seconds after the last. Redis frees a stream's older
-- entries by the block (~), which costs a fifth of the script less than one
-- by one. `dir` is 'p' (to the player) or 'g' (to the GM), `id` the message's
-- id in the receiver's mailbox.
local function converse(key, keep, ttl, id, dir, gm, msg, ts)
    redis.call('XADD', key, 'MAXLEN', '~', keep, '*', 'i', id, 'd', dir,
               'g', gm, 'm', msg, 't', ts)
    redis.call('EXPIRE', key, ttl)
end
