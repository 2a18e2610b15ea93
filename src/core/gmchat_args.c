#include <jansson.h>

#include "gmchat_args.h"


/* The longest name, "gm_account", with each character as %XX. */
#define GMCHAT_NAME_ESCAPED  30


static gmchat_status_e
gmchat_args_refuse(gmchat_refusal_t *refusal, gmchat_status_e status,
    const char *param, const char *reason)
{
    refusal->status = status;
    refusal->param = param;
    refusal->reason = reason;

    return status;
}


static void
gmchat_args_add(gmchat_args_t *args, gmchat_param_e id, unsigned char *data,
    size_t len)
{
    if (gmchat_args_given(args, id)) {
        args->twice[id] = 1;
        return;
    }

    args->values[id].data = data;
    args->values[id].len = len;
}


static int
gmchat_hex(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/*
 * Decodes into `to`, which has room for `len` bytes.  Returns the length, or
 * -1 where a % is not followed by two hex digits.
 */
static ptrdiff_t
gmchat_percent_decode(unsigned char *to, const unsigned char *from, size_t len,
    int plus)
{
    size_t          i;
    unsigned char  *start;

    start = to;

    for (i = 0; i < len; i++) {

        if (from[i] == '+' && plus) {
            *to++ = ' ';
            continue;
        }

        if (from[i] != '%') {
            *to++ = from[i];
            continue;
        }

        if (len - i < 3 || gmchat_hex(from[i + 1]) < 0
            || gmchat_hex(from[i + 2]) < 0)
        {
            return -1;
        }

        *to++ = (unsigned char) (gmchat_hex(from[i + 1]) << 4
                                 | gmchat_hex(from[i + 2]));
        i += 2;
    }

    return to - start;
}


/* The parameter of a name as it came; a name that is longer than all of the
 * contract's, or badly escaped, is unknown. */

static gmchat_param_e
gmchat_args_name(const unsigned char *data, size_t len, int plus)
{
    ptrdiff_t      n;
    unsigned char  name[GMCHAT_NAME_ESCAPED];

    if (len > sizeof(name)) {
        return GMCHAT_P_NONE;
    }

    n = gmchat_percent_decode(name, data, len, plus);

    return n < 0 ? GMCHAT_P_NONE : gmchat_param_find(name, (size_t) n);
}


/* One "name=value". */

static gmchat_status_e
gmchat_args_pair(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, int plus)
{
    size_t                 name_len;
    ptrdiff_t              n;
    unsigned char         *p;
    gmchat_param_e         id;
    const unsigned char   *equals;

    equals = memchr(data, '=', len);
    name_len = equals ? (size_t) (equals - data) : len;

    id = gmchat_args_name(data, name_len, plus);
    if (id == GMCHAT_P_NONE) {
        return GMCHAT_OK;
    }

    p = gmchat_arena_alloc(arena, len - name_len + 1);
    if (p == NULL) {
        return GMCHAT_UNAVAILABLE;
    }

    n = 0;

    if (equals) {
        n = gmchat_percent_decode(p, equals + 1, len - name_len - 1, plus);
    }

    if (n < 0) {
        args->escape[id] = 1;
        n = 0;
    }

    p[n] = '\0';
    gmchat_args_add(args, id, p, (size_t) n);

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_args_pairs(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, int plus,
    gmchat_refusal_t *refusal)
{
    size_t                n;
    const unsigned char  *next;

    while (len) {
        next = memchr(data, '&', len);
        n = next ? (size_t) (next - data) : len;

        if (n && gmchat_args_pair(args, arena, data, n, plus) != GMCHAT_OK) {
            return gmchat_args_refuse(refusal, GMCHAT_UNAVAILABLE, NULL, NULL);
        }

        if (next == NULL) {
            break;
        }

        data += n + 1;
        len -= n + 1;
    }

    return GMCHAT_OK;
}


gmchat_status_e
gmchat_args_query(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, gmchat_refusal_t *refusal)
{
    return gmchat_args_pairs(args, arena, data, len, 0, refusal);
}


gmchat_status_e
gmchat_args_form(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, gmchat_refusal_t *refusal)
{
    return gmchat_args_pairs(args, arena, data, len, 1, refusal);
}


/*
 * jansson takes some of its own failures to allocate for wrong syntax, so that
 * what it allocates while it reads is watched.
 */

static struct {
    json_malloc_t  malloc;
    json_free_t    free;
    int            failed;
} gmchat_json_memory;


static void *
gmchat_json_malloc(size_t size)
{
    void  *p;

    p = gmchat_json_memory.malloc(size);
    gmchat_json_memory.failed |= (p == NULL);

    return p;
}


void
gmchat_json_watch(void)
{
    gmchat_json_memory.failed = 0;
    json_get_alloc_funcs(&gmchat_json_memory.malloc, &gmchat_json_memory.free);
    json_set_alloc_funcs(gmchat_json_malloc, gmchat_json_memory.free);
}


int
gmchat_json_unwatch(void)
{
    json_set_alloc_funcs(gmchat_json_memory.malloc, gmchat_json_memory.free);

    return gmchat_json_memory.failed;
}


/* Integers below this are exact as reals. */
#define GMCHAT_REAL_EXACT  9007199254740992.0


/*
 * A body with an integer too large for jansson is read again with all its
 * integers as reals (which sets *reals), so that the refusal can name the
 * parameter instead of the body.
 */
static json_t *
gmchat_json_load(const unsigned char *data, size_t len, json_error_t *error,
    int *reals)
{
    json_t  *body;

    *reals = 0;
    memset(error, 0, sizeof(json_error_t));

    body = json_loadb((const char *) data, len,
                      JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, error);

    if (body || json_error_code(error) != json_error_numeric_overflow) {
        return body;
    }

    *reals = 1;
    memset(error, 0, sizeof(json_error_t));

    return json_loadb((const char *) data, len,
                      JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL
                      |JSON_DECODE_INT_AS_REAL, error);
}


/* The text of an integer; 0 if the value is none. */

static int
gmchat_json_integer(const json_t *value, int reals, char *text, size_t size)
{
    double       real;
    json_int_t   integer;

    integer = json_integer_value(value);

    if (json_is_real(value)) {
        real = json_real_value(value);

        if (!reals || real < 0 || real >= GMCHAT_REAL_EXACT
            || real != (double) (json_int_t) real)
        {
            return 0;
        }

        integer = (json_int_t) real;

    } else if (!json_is_integer(value)) {
        return 0;
    }

    return snprintf(text, size, "%" JSON_INTEGER_FORMAT, integer);
}


static gmchat_status_e
gmchat_args_json_value(gmchat_args_t *args, gmchat_arena_t *arena,
    gmchat_param_e id, const json_t *value, int reals)
{
    char            number[sizeof("-9223372036854775808")];
    size_t          len;
    const char     *text;
    unsigned char  *p;

    if (json_is_string(value)) {
        text = json_string_value(value);
        len = json_string_length(value);

    } else {
        text = number;
        len = (size_t) gmchat_json_integer(value, reals, number,
                                           sizeof(number));
        args->kind[id] |= (len == 0);
    }

    p = gmchat_arena_copy(arena, text, len);
    if (p == NULL) {
        return GMCHAT_UNAVAILABLE;
    }

    gmchat_args_add(args, id, p, len);

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_args_json_object(gmchat_args_t *args, gmchat_arena_t *arena,
    json_t *body, int reals, gmchat_refusal_t *refusal)
{
    const char      *name;
    json_t          *value;
    gmchat_param_e   id;

    if (!json_is_object(body)) {
        return gmchat_args_refuse(refusal, GMCHAT_MALFORMED, "body",
                                  "must be one JSON object");
    }

    json_object_foreach(body, name, value) {

        if (json_is_object(value) || json_is_array(value)) {
            return gmchat_args_refuse(refusal, GMCHAT_MALFORMED, "body",
                                      "must be one flat JSON object: no "
                                      "value may be an object or a list");
        }

        id = gmchat_param_find((const unsigned char *) name, strlen(name));

        if (id != GMCHAT_P_NONE
            && gmchat_args_json_value(args, arena, id, value, reals)
               != GMCHAT_OK)
        {
            return gmchat_args_refuse(refusal, GMCHAT_UNAVAILABLE, NULL, NULL);
        }
    }

    return GMCHAT_OK;
}


/* The name that jansson's message quotes: ... near '"name"'. */

static const char *
gmchat_args_json_culprit(const json_error_t *error)
{
    const char      *from, *to;
    gmchat_param_e   id;

    from = strstr(error->text, "near '\"");
    if (from == NULL) {
        return "body";
    }

    from += sizeof("near '\"") - 1;
    to = strchr(from, '"');
    if (to == NULL) {
        return "body";
    }

    id = gmchat_param_find((const unsigned char *) from,
                           (size_t) (to - from));

    return id == GMCHAT_P_NONE ? "body"
                               : (const char *) gmchat_param(id)->name.data;
}


static gmchat_status_e
gmchat_args_json_broken(const json_error_t *error, gmchat_refusal_t *refusal)
{
    switch (json_error_code(error)) {

    case json_error_duplicate_key:
        return gmchat_args_refuse(refusal, GMCHAT_MALFORMED,
                                  gmchat_args_json_culprit(error),
                                  "is given twice: give it once");

    case json_error_invalid_utf8:
        return gmchat_args_refuse(refusal, GMCHAT_MALFORMED, "body",
                                  "is not UTF-8");

    case json_error_stack_overflow:
        return gmchat_args_refuse(refusal, GMCHAT_MALFORMED, "body",
                                  "must be one flat JSON object");

    default:
        return gmchat_args_refuse(refusal, GMCHAT_MALFORMED, "body",
                                  "is not JSON");
    }
}


gmchat_status_e
gmchat_args_json(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, gmchat_refusal_t *refusal)
{
    int               reals, failed;
    json_t           *body;
    json_error_t      error;
    gmchat_status_e   status;

    gmchat_json_watch();
    body = gmchat_json_load(data, len, &error, &reals);
    failed = gmchat_json_unwatch();

    if (body == NULL) {
        return failed
                   ? gmchat_args_refuse(refusal, GMCHAT_UNAVAILABLE, NULL,
                                        NULL)
                   : gmchat_args_json_broken(&error, refusal);
    }

    status = gmchat_args_json_object(args, arena, body, reals, refusal);

    json_decref(body);

    return status;
}


gmchat_status_e
gmchat_args_check(gmchat_args_t *args, gmchat_param_e id,
    const gmchat_param_env_t *env, gmchat_refusal_t *refusal)
{
    const char            *reason;
    gmchat_status_e        status;
    const gmchat_param_t  *param;

    param = gmchat_param(id);
    reason = NULL;

    if (args->twice[id]) {
        status = GMCHAT_MALFORMED;
        reason = "is given twice: give it once";

    } else if (args->escape[id]) {
        status = GMCHAT_MALFORMED;
        reason = "holds a % that two hex digits do not follow: write %25";

    } else {
        status = param->check(&args->values[id], env, &reason);

        if (args->kind[id] && status != GMCHAT_NOT_INTEGER) {
            status = GMCHAT_MALFORMED;
            reason = "must be a JSON string";
        }
    }

    if (status == GMCHAT_OK) {
        return GMCHAT_OK;
    }

    return gmchat_args_refuse(refusal, status,
                              status == GMCHAT_UNAVAILABLE
                                  ? NULL : (const char *) param->name.data,
                              reason);
}
