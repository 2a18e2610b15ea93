#include "gmchat_keys.h"


static int
gmchat_keys_concat(gmchat_str_t *to, gmchat_arena_t *arena,
    const gmchat_str_t *a, const char *b, const gmchat_str_t *c,
    const char *d)
{
    size_t          b_len, d_len;
    unsigned char  *p;

    b_len = strlen(b);
    d_len = strlen(d);

    to->len = a->len + b_len + c->len + d_len;
    to->data = gmchat_arena_alloc(arena, to->len + 1);
    if (to->data == NULL) {
        return -1;
    }

    p = to->data;
    memcpy(p, a->data, a->len);
    p += a->len;
    memcpy(p, b, b_len);
    p += b_len;
    memcpy(p, c->data, c->len);
    p += c->len;
    memcpy(p, d, d_len);
    p[d_len] = '\0';

    return 0;
}


int
gmchat_keys_prefix(gmchat_str_t *prefix, gmchat_arena_t *arena,
    const gmchat_str_t *group)
{
    static const gmchat_str_t  head = gmchat_string("gmchat:");

    return gmchat_keys_concat(prefix, arena, &head, "{", group, "}:");
}


int
gmchat_keys_join(gmchat_str_t *key, gmchat_arena_t *arena,
    const gmchat_str_t *prefix, const char *kind, const gmchat_str_t *id)
{
    return gmchat_keys_concat(key, arena, prefix, kind, id, "");
}
