-- The reply of a plain receive was written to the client's connection: what
-- it took is done with.
-- KEYS  1 prefix
-- ARGV  1 receipt
-- Gives {'ok'}
-- Event to each receiver: what is done with, or to look; to all GMs, where
--       there is more to take of one
-- include clock
-- include wake
-- include mailbox
-- include flight
settle_receipt(ARGV[1], remove, settle)

return { 'ok' }
