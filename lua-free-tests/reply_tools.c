#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "failing_malloc.h"
#include "gmchat_base64.h"
#include "reply_tools.h"
#include "test_tools.h"


gmchat_arena_t          arena;
gmchat_buf_t            out;
gmchat_args_t           args;
gmchat_reply_t          reply;
const gmchat_action_t  *action;

static gmchat_buf_t     data, scratch;


void
setup(void)
{
    memset(&arena, 0, sizeof(arena));
    memset(&out, 0, sizeof(out));
    memset(&data, 0, sizeof(data));
    memset(&scratch, 0, sizeof(scratch));
    memset(&args, 0, sizeof(args));
}


void
teardown(void)
{
    gmchat_arena_free(&arena);
    gmchat_buf_free(&out);
    gmchat_buf_free(&data);
    gmchat_buf_free(&scratch);
}


void
call(gmchat_endpoint_e endpoint, const char *query, const char *value)
{
    gmchat_refusal_t    refusal;
    gmchat_param_env_t  env = { &arena, 1000 };

    teardown();
    setup();

    gmchat_args_query(&args, &arena, (unsigned char *) query, strlen(query),
                      &refusal);
    action = gmchat_action_find(endpoint, &args);
    ck_assert_msg(action != NULL, "%s", query);
    ck_assert_uint_eq(gmchat_action_check(action, &args, &env, &refusal),
                      GMCHAT_OK);

    reply.value = check_value(&arena, value);
    reply.args = &args;
    reply.arena = &arena;
    reply.out = &out;
    reply.data = &data;
    reply.text = &scratch;
    reply.json = gmchat_str_is(&args.values[GMCHAT_P_FORMAT], "json");
}


const char *
unpacked(void)
{
    char            *from, *to;
    json_t          *body;
    gmchat_buf_t     buf = { 0 };
    unsigned char   *text;

    /* it is JSON, and ASCII unless a name is not */

    body = json_loadb((char *) out.data, out.len, JSON_REJECT_DUPLICATES,
                      NULL);
    ck_assert_msg(body != NULL, "%.*s", (int) out.len, out.data);
    json_decref(body);

    gmchat_buf_add(&out, "", 1);
    from = (char *) out.data;

    while ((to = strstr(from, "data\":\"")) != NULL) {
        to += sizeof("data\":");
        gmchat_buf_add(&buf, from, to - from - 1);
        from = strchr(to, '"');

        ck_assert_int_eq(gmchat_base64_valid((unsigned char *) to,
                                             from - to), 1);
        gmchat_buf_add_text(&buf, "<");
        gmchat_base64_decode(&buf, (unsigned char *) to, from - to);
        gmchat_buf_add_text(&buf, ">");
        from++;
    }

    gmchat_buf_add_text(&buf, from);
    text = gmchat_arena_copy(&arena, buf.data, buf.len);
    gmchat_buf_free(&buf);

    return (char *) text;
}


void
answers(gmchat_endpoint_e endpoint, const char *query, const char *value,
    const char *expected)
{
    call(endpoint, query, value);

    ck_assert_msg(gmchat_reply_success(action, &reply) == GMCHAT_OK, "%s",
                  value);
    ck_assert_str_eq(unpacked(), expected);
}


void
faults(gmchat_endpoint_e endpoint, const char *query, const char *value)
{
    call(endpoint, query, value);

    ck_assert_msg(gmchat_reply_success(action, &reply) == GMCHAT_FAULT,
                  "%s: %s", query, value);
}


static void
success_short_of_memory(void *shared)
{
    gmchat_buf_t      one = { 0 }, two = { 0 }, three = { 0 };
    gmchat_arena_t    mine = { 0 };
    gmchat_reply_t    r;
    gmchat_status_e   status;

    r = *(gmchat_reply_t *) shared;
    r.arena = &mine;
    r.out = &one;
    r.data = &two;
    r.text = &three;

    /* the script did run: "nothing was stored" would be wrong */

    status = gmchat_reply_success(action, &r);
    ck_assert_uint_eq(status, failing_malloc_disarm() ? GMCHAT_UNKNOWN
                                                      : GMCHAT_OK);
    gmchat_buf_free(&one);
    gmchat_buf_free(&two);
    gmchat_buf_free(&three);
    gmchat_arena_free(&mine);
}


void
short_of_memory(size_t least)
{
    ck_assert_uint_ge(failing_malloc_each(success_short_of_memory, &reply),
                      least);
}
