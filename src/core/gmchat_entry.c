#include "gmchat_base64.h"
#include "gmchat_entry.h"
#include "gmchat_integer.h"
#include "gmchat_json.h"
#include "gmchat_utf8.h"


/* The contract's. */
#define GMCHAT_ITEM_MESSAGES  10


/* Entries by player: chains in the order of the entries. */

typedef struct {
    gmchat_entry_t  *entries;
    size_t           n;
    size_t          *next;      /* of the same player; n ends a chain */
    size_t          *heads;     /* the players' first entries, in order */
    size_t           players;
    size_t          *tails;     /* hash: a chain's last entry, or n */
    size_t           mask;
} gmchat_entry_chains_t;


static gmchat_str_t *
gmchat_entry_field(gmchat_entry_t *entry, unsigned char name)
{
    switch (name) {

    case 'u':
        return &entry->uid;

    case 'g':
        return &entry->gm;

    case 'a':
        return &entry->name;

    case 'm':
        return &entry->msg;

    case 'c':
        return &entry->change;

    case 'd':
        return &entry->dir;

    case 'i':
        return &entry->mailed;

    default:
        return NULL;
    }
}


int
gmchat_entry_read(gmchat_entry_t *entry, const gmchat_value_t *value)
{
    size_t                 i;
    gmchat_str_t          *to;
    const gmchat_value_t  *fields;

    memset(entry, 0, sizeof(gmchat_entry_t));

    if (value->kind != GMCHAT_VALUE_ARRAY || value->n != 2
        || value->items[0].kind != GMCHAT_VALUE_STRING
        || value->items[1].kind != GMCHAT_VALUE_ARRAY)
    {
        return -1;
    }

    entry->id = value->items[0].str;
    fields = &value->items[1];

    for (i = 0; i + 1 < fields->n; i += 2) {
        if (fields->items[i].kind != GMCHAT_VALUE_STRING
            || fields->items[i + 1].kind != GMCHAT_VALUE_STRING)
        {
            return -1;
        }

        if (fields->items[i].str.len != 1) {
            continue;
        }

        if (fields->items[i].str.data[0] == 't') {
            gmchat_integer_parse(&fields->items[i + 1].str, &entry->ts);
            continue;
        }

        to = gmchat_entry_field(entry, fields->items[i].str.data[0]);
        if (to) {
            *to = fields->items[i + 1].str;
        }
    }

    return 0;
}


static void
gmchat_entry_string(gmchat_buf_t *buf, const char *name,
    const gmchat_str_t *value)
{
    gmchat_json_name(buf, name);
    gmchat_json_string(buf, value->data, value->len);
}


void
gmchat_entry_message(gmchat_buf_t *buf, const gmchat_entry_t *entry,
    gmchat_buf_t *scratch)
{
    scratch->len = 0;

    if (gmchat_base64_valid(entry->msg.data, entry->msg.len)) {
        gmchat_base64_decode(scratch, entry->msg.data, entry->msg.len);

        if (scratch->failed) {
            buf->failed = 1;
            return;
        }

        if (gmchat_utf8_valid(scratch->data, scratch->len) == scratch->len) {
            gmchat_json_name(buf, "text");
            gmchat_json_string(buf, scratch->data, scratch->len);
            return;
        }
    }

    gmchat_entry_string(buf, "msg", &entry->msg);
}


static void
gmchat_entry_ts(gmchat_buf_t *buf, const gmchat_entry_t *entry)
{
    gmchat_json_name(buf, "ts");
    gmchat_buf_add_int(buf, entry->ts);
}


void
gmchat_entry_members(gmchat_buf_t *buf, const gmchat_entry_t *entry,
    const gmchat_str_t *gm, gmchat_buf_t *scratch)
{
    gmchat_entry_string(buf, "id", &entry->id);
    gmchat_entry_string(buf, "uid", &entry->uid);
    gmchat_entry_string(buf, "gm_account", gm);
    gmchat_entry_message(buf, entry, scratch);
    gmchat_entry_ts(buf, entry);
}


void
gmchat_entry_relation_members(gmchat_buf_t *buf, const gmchat_entry_t *entry)
{
    gmchat_entry_string(buf, "id", &entry->id);
    gmchat_entry_string(buf, "uid", &entry->uid);
    gmchat_entry_string(buf, "change", &entry->change);
    gmchat_entry_string(buf, "gm_account", &entry->gm);
    gmchat_entry_string(buf, "gm_name", &entry->name);
}


void
gmchat_entry_json(gmchat_buf_t *buf, const gmchat_entry_t *entry,
    const gmchat_str_t *gm, gmchat_buf_t *scratch)
{
    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_entry_members(buf, entry, gm, scratch);
    gmchat_buf_add_text(buf, "}");
}


void
gmchat_entry_relation_json(gmchat_buf_t *buf, const gmchat_entry_t *entry)
{
    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_entry_relation_members(buf, entry);
    gmchat_buf_add_text(buf, "}");
}


void
gmchat_entry_history_members(gmchat_buf_t *buf, const gmchat_entry_t *entry,
    gmchat_buf_t *scratch)
{
    static const gmchat_str_t  to_gm = gmchat_string("to_gm");
    static const gmchat_str_t  to_player = gmchat_string("to_player");

    gmchat_entry_string(buf, "id", &entry->mailed);
    gmchat_entry_string(buf, "dir", gmchat_str_is(&entry->dir, "g")
                                        ? &to_gm : &to_player);
    gmchat_entry_string(buf, "gm_account", &entry->gm);
    gmchat_entry_message(buf, entry, scratch);
    gmchat_entry_ts(buf, entry);
}


/* FNV-1a: uids are short. */

static size_t
gmchat_entry_hash(const gmchat_str_t *uid)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261u;

    for (i = 0; i < uid->len; i++) {
        hash = (hash ^ uid->data[i]) * 16777619u;
    }

    return hash;
}


static void
gmchat_entry_link(gmchat_entry_chains_t *chains, size_t i)
{
    size_t               slot, tail;
    const gmchat_str_t  *uid;

    uid = &chains->entries[i].uid;
    chains->next[i] = chains->n;

    for (slot = gmchat_entry_hash(uid) & chains->mask;
         (tail = chains->tails[slot]) != chains->n;
         slot = (slot + 1) & chains->mask)
    {
        if (chains->entries[tail].uid.len == uid->len
            && memcmp(chains->entries[tail].uid.data, uid->data, uid->len)
               == 0)
        {
            chains->next[tail] = i;
            chains->tails[slot] = i;
            return;
        }
    }

    chains->tails[slot] = i;
    chains->heads[chains->players++] = i;
}


static int
gmchat_entry_chain(gmchat_entry_chains_t *chains,
    const gmchat_value_t *entries, gmchat_arena_t *arena)
{
    size_t  i, slots;

    if (entries->kind != GMCHAT_VALUE_ARRAY) {
        return -1;
    }

    for (slots = 16; slots < entries->n * 2; slots *= 2) { /* void */ }

    chains->n = entries->n;
    chains->players = 0;
    chains->mask = slots - 1;
    chains->entries = gmchat_arena_alloc(arena, (entries->n + 1)
                                                * sizeof(gmchat_entry_t));
    chains->next = gmchat_arena_alloc(arena,
                                      (entries->n + 1) * sizeof(size_t));
    chains->heads = gmchat_arena_alloc(arena,
                                       (entries->n + 1) * sizeof(size_t));
    chains->tails = gmchat_arena_alloc(arena, slots * sizeof(size_t));

    if (chains->entries == NULL || chains->next == NULL
        || chains->heads == NULL || chains->tails == NULL)
    {
        return -1;
    }

    for (i = 0; i < slots; i++) {
        chains->tails[i] = chains->n;
    }

    for (i = 0; i < entries->n; i++) {
        if (gmchat_entry_read(&chains->entries[i], &entries->items[i]) != 0
            || chains->entries[i].uid.len == 0)
        {
            return -1;
        }

        gmchat_entry_link(chains, i);
    }

    return 0;
}


static void
gmchat_entry_player_items(gmchat_buf_t *buf,
    const gmchat_entry_chains_t *chains, size_t i)
{
    unsigned  count;

    for (count = 0; i != chains->n; i = chains->next[i], count++) {

        if (count % GMCHAT_ITEM_MESSAGES == 0) {
            if (count) {
                gmchat_buf_add_text(buf, "\"}");
            }

            gmchat_json_next(buf);
            gmchat_buf_add_text(buf, "{");
            gmchat_entry_string(buf, "uid", &chains->entries[i].uid);
            gmchat_json_name(buf, "msg");
            gmchat_buf_add_text(buf, "\"");

        } else {
            gmchat_buf_add_text(buf, ",");
        }

        gmchat_buf_add(buf, chains->entries[i].msg.data,
                       chains->entries[i].msg.len);
    }

    gmchat_buf_add_text(buf, "\"}");
}


int
gmchat_entry_items(gmchat_buf_t *buf, const gmchat_value_t *entries,
    gmchat_arena_t *arena)
{
    size_t                  i;
    gmchat_entry_chains_t   chains;

    if (gmchat_entry_chain(&chains, entries, arena) != 0) {
        return -1;
    }

    gmchat_buf_add_text(buf, "[");

    for (i = 0; i < chains.players; i++) {
        gmchat_entry_player_items(buf, &chains, chains.heads[i]);
    }

    gmchat_buf_add_text(buf, "]");

    return 0;
}


int
gmchat_entry_relations(gmchat_buf_t *apply, gmchat_buf_t *removed,
    const gmchat_value_t *entries, gmchat_arena_t *arena)
{
    size_t                  i, last;
    gmchat_entry_t         *entry;
    gmchat_entry_chains_t   chains;

    if (gmchat_entry_chain(&chains, entries, arena) != 0) {
        return -1;
    }

    gmchat_buf_add_text(apply, "{");
    gmchat_buf_add_text(removed, "[");

    for (i = 0; i < chains.players; i++) {

        last = chains.heads[i];
        while (chains.next[last] != chains.n) {
            last = chains.next[last];
        }

        entry = &chains.entries[last];

        if (gmchat_str_is(&entry->change, "remove")) {
            gmchat_json_next(removed);
            gmchat_json_string(removed, entry->uid.data, entry->uid.len);
            continue;
        }

        gmchat_json_next(apply);
        gmchat_json_string(apply, entry->uid.data, entry->uid.len);
        gmchat_buf_add_text(apply, ":[");
        gmchat_json_string(apply, entry->gm.data, entry->gm.len);
        gmchat_buf_add_text(apply, ",");
        gmchat_json_string(apply, entry->name.data, entry->name.len);
        gmchat_buf_add_text(apply, "]");
    }

    gmchat_buf_add_text(apply, "}");
    gmchat_buf_add_text(removed, "]");

    return 0;
}
