-- Shows that the store answers.
-- KEYS  1 prefix
-- Gives {'ok'}
return { 'ok' }
