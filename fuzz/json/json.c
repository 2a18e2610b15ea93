#include "fuzz_call.h"
#include "gmchat_json.h"


/*
 * A JSON body.  What was read, written as an object of strings or as a form, is
 * read as the same.
 */


static void
fuzz_json_write(const gmchat_args_t *args, gmchat_buf_t *buf)
{
    unsigned             id;
    const gmchat_str_t  *value;

    gmchat_buf_add_text(buf, "{");

    for (id = 1; id < GMCHAT_PARAMS; id++) {
        value = &args->values[id];

        if (value->data == NULL) {
            continue;
        }

        if (buf->len > 1) {
            gmchat_buf_add_text(buf, ",");
        }

        gmchat_buf_add_text(buf, "\"");
        gmchat_buf_add_text(buf, (char *) gmchat_param(id)->name.data);
        gmchat_buf_add_text(buf, "\":");
        gmchat_json_string(buf, value->data, value->len);
    }

    gmchat_buf_add_text(buf, "}");
}


static void
fuzz_json_again(const gmchat_args_t *args)
{
    gmchat_buf_t      object = { 0 }, form = { 0 };
    gmchat_args_t     again = { 0 }, formed = { 0 };
    gmchat_arena_t    arena = { 0 };
    gmchat_refusal_t  refusal;

    fuzz_json_write(args, &object);
    fuzz_must(gmchat_args_json(&again, &arena, object.data, object.len,
                               &refusal)
              == GMCHAT_OK);
    fuzz_call_same(args, &again);

    fuzz_call_escape(args, &form);
    fuzz_must(gmchat_args_form(&formed, &arena, form.data, form.len, &refusal)
              == GMCHAT_OK);
    fuzz_call_same(args, &formed);

    gmchat_buf_free(&object);
    gmchat_buf_free(&form);
    gmchat_arena_free(&arena);
}


void
fuzz_run(fuzz_t *f)
{
    fuzz_call_read(f, gmchat_args_json, fuzz_json_again);
}
