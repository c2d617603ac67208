/**
 * What must happen in one step happens in a script, which Redis runs without anything in between. The first command that
 * writes is one that Redis refuses when it is out of memory: behind it, the rest of the script is let through.
 *
 * Keys: the source (a hash of `record`, `revision`, `lease`, `token`), its state (a hash), its history (a list).
 */

/** Arguments: expected revision, record, fence or '', records of history, keys to delete, these keys, then key and value. */
export const SAVE = `
local found = redis.call('HGET', KEYS[1], 'revision') or '0'
if ARGV[3] ~= '' then
  local token = redis.call('HGET', KEYS[1], 'token')
  if token and tonumber(token) > tonumber(ARGV[3]) then
    return {'fenced', redis.call('HGET', KEYS[1], 'lease')}
  end
end
if found ~= ARGV[1] then return {'conflict', found} end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'revision', string.format('%d', found + 1))
local kept = tonumber(ARGV[4])
if kept > 0 then
  redis.call('LPUSH', KEYS[3], ARGV[2])
  redis.call('LTRIM', KEYS[3], 0, kept)
end
local deleted = tonumber(ARGV[5])
for at = 6, 5 + deleted do redis.call('HDEL', KEYS[2], ARGV[at]) end
for at = 6 + deleted, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
return {'saved'}
`;

/** What a lease was stays: tokens go on growing. */
export const DELETE = `
redis.call('HDEL', KEYS[1], 'record', 'revision')
redis.call('DEL', KEYS[2], KEYS[3])
return {'deleted'}
`;

/** Arguments: the lease as it was read, or ''; the lease that replaces it, and its token. */
export const REPLACE_LEASE = `
if (redis.call('HGET', KEYS[1], 'lease') or '') ~= ARGV[1] then return {'changed'} end
redis.call('HSET', KEYS[1], 'lease', ARGV[2], 'token', ARGV[3])
return {'replaced'}
`;
