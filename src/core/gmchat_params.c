#include "gmchat_base64.h"
#include "gmchat_cursor.h"
#include "gmchat_integer.h"
#include "gmchat_params.h"
#include "gmchat_utf8.h"


/* Enough for a name in any script; it stands in each relation event. */
#define GMCHAT_NAME_MAX   256

/* Characters: what is typed behind a slash. */
#define GMCHAT_CANNED_NAME_MAX  32

/* It stands in each entry of the audit. */
#define GMCHAT_OPERATOR_MAX  128

/* The contract's. */
#define GMCHAT_TOKEN_MAX  64
#define GMCHAT_LIMIT_MAX  1000
#define GMCHAT_WAIT_MAX   55

/* Seconds: shorter than a few renewals is a flicker, longer is no lease. */
#define GMCHAT_LEASE_MIN  5
#define GMCHAT_LEASE_MAX  86400

/* Bytes; what a stream gives out stays below (gmchat_ledger.h). */
#define GMCHAT_POSITION_MAX  8192

/* Hexadecimal digits: 128 random bits. */
#define GMCHAT_STREAM_LEN  32


static gmchat_status_e gmchat_check_any(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_integer(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_name(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_operator(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_role(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_msg(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_text(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_msgid(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_cursor(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_limit(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_format(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_group(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_wait(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_lease(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_position(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_stream(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_one(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_id(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);
static gmchat_status_e gmchat_check_canned_name(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);


static const gmchat_param_t  gmchat_params[GMCHAT_PARAMS] = {

    [GMCHAT_P_ACTION] = { gmchat_string("action"),
        gmchat_check_any, gmchat_string("") },
    [GMCHAT_P_GM_ACCOUNT] = { gmchat_string("gm_account"),
        gmchat_check_integer, gmchat_string("") },
    [GMCHAT_P_GM_NAME] = { gmchat_string("gm_name"),
        gmchat_check_name, gmchat_string("") },
    [GMCHAT_P_HOST] = { gmchat_string("host"),
        gmchat_check_integer, gmchat_string("") },
    [GMCHAT_P_UID] = { gmchat_string("uid"),
        gmchat_check_integer, gmchat_string("") },
    [GMCHAT_P_MSG] = { gmchat_string("msg"),
        gmchat_check_msg, gmchat_string("") },
    [GMCHAT_P_TEXT] = { gmchat_string("text"),
        gmchat_check_text, gmchat_string("") },
    [GMCHAT_P_MSGID] = { gmchat_string("msgid"),
        gmchat_check_msgid, gmchat_string("") },
    [GMCHAT_P_ACK] = { gmchat_string("ack"),
        gmchat_check_cursor, gmchat_string("") },
    [GMCHAT_P_BEFORE] = { gmchat_string("before"),
        gmchat_check_cursor, gmchat_string("") },
    [GMCHAT_P_LIMIT] = { gmchat_string("limit"),
        gmchat_check_limit, gmchat_string("200") },
    [GMCHAT_P_FORMAT] = { gmchat_string("format"),
        gmchat_check_format, gmchat_string("") },
    [GMCHAT_P_GROUP] = { gmchat_string("group"),
        gmchat_check_group, gmchat_string("") },
    [GMCHAT_P_WAIT] = { gmchat_string("wait"),
        gmchat_check_wait, gmchat_string("0") },
    [GMCHAT_P_LEASE] = { gmchat_string("lease"),
        gmchat_check_lease, gmchat_string("") },
    [GMCHAT_P_CURSOR] = { gmchat_string("cursor"),
        gmchat_check_position, gmchat_null_string },
    [GMCHAT_P_STREAM] = { gmchat_string("stream"),
        gmchat_check_stream, gmchat_string("") },
    [GMCHAT_P_ONLINE] = { gmchat_string("online"),
        gmchat_check_one, gmchat_string("") },
    [GMCHAT_P_OPERATOR] = { gmchat_string("operator"),
        gmchat_check_operator, gmchat_string("") },
    [GMCHAT_P_ROLE] = { gmchat_string("role"),
        gmchat_check_role, gmchat_string("") },
    [GMCHAT_P_GM_ACCOUNTS] = { gmchat_string("gm_accounts"),
        gmchat_check_integer, gmchat_string("") },
    [GMCHAT_P_ID] = { gmchat_string("id"),
        gmchat_check_id, gmchat_string("") },
    [GMCHAT_P_NAME] = { gmchat_string("name"),
        gmchat_check_canned_name, gmchat_string("") },
    [GMCHAT_P_CALL] = { gmchat_string("call"),
        gmchat_check_integer, gmchat_string("") }
};


const gmchat_param_t *
gmchat_param(gmchat_param_e id)
{
    return &gmchat_params[id];
}


gmchat_param_e
gmchat_param_find(const unsigned char *name, size_t len)
{
    unsigned  i;

    for (i = GMCHAT_P_NONE + 1; i < GMCHAT_PARAMS; i++) {
        if (gmchat_params[i].name.len == len
            && memcmp(gmchat_params[i].name.data, name, len) == 0)
        {
            return i;
        }
    }

    return GMCHAT_P_NONE;
}


static gmchat_status_e
gmchat_check_any(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) value;
    (void) env;
    (void) reason;

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_integer(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;
    (void) reason;

    return gmchat_integer_parse(value, NULL) ? GMCHAT_OK : GMCHAT_NOT_INTEGER;
}


/* A line of text that is shown to people. */

static gmchat_status_e
gmchat_check_line(const gmchat_str_t *value, size_t max, const char **reason,
    const char *sentence)
{
    size_t  i;

    if (value->len == 0 || value->len > max) {
        *reason = sentence;
        return GMCHAT_MALFORMED;
    }

    if (gmchat_utf8_valid(value->data, value->len) != value->len) {
        *reason = "is not UTF-8";
        return GMCHAT_MALFORMED;
    }

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            *reason = "must not hold control characters";
            return GMCHAT_MALFORMED;
        }
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_name(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    return gmchat_check_line(value, GMCHAT_NAME_MAX, reason,
                             "must have 1 to 256 bytes");
}


static gmchat_status_e
gmchat_check_operator(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    size_t           i;
    gmchat_status_e  status;

    (void) env;

    status = gmchat_check_line(value, GMCHAT_OPERATOR_MAX, reason,
                               "must have 1 to 128 bytes");

    /* U+0080 to U+009F, too: terminals that show a log obey them */

    for (i = 1; status == GMCHAT_OK && i < value->len; i++) {
        if (value->data[i - 1] == 0xc2 && value->data[i] < 0xa0) {
            *reason = "must not hold control characters";
            status = GMCHAT_MALFORMED;
        }
    }

    return status;
}


static gmchat_status_e
gmchat_check_role(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (!gmchat_str_is(value, "admin") && !gmchat_str_is(value, "gm")
        && !gmchat_str_is(value, "viewer"))
    {
        *reason = "must be admin, gm or viewer";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_msg(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    if (value->len > gmchat_base64_encoded_len(env->message_max)) {
        *reason = "is too long: send less in one message";
        return GMCHAT_MALFORMED;
    }

    if (!gmchat_base64_valid(value->data, value->len)) {
        *reason = "is not base64 (RFC 4648, section 4; in a form body, + is "
                  "written %2B)";
        return GMCHAT_MALFORMED;
    }

    if (gmchat_base64_decoded_len(value->data, value->len) > env->message_max)
    {
        *reason = "is too long: send less in one message";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


/* Text is stored as base64, like every message. */

static gmchat_status_e
gmchat_check_text(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    gmchat_buf_t  buf;

    if (value->len > env->message_max) {
        *reason = "is too long: send less in one message";
        return GMCHAT_MALFORMED;
    }

    if (gmchat_utf8_valid(value->data, value->len) != value->len) {
        *reason = "is not UTF-8";
        return GMCHAT_MALFORMED;
    }

    if (memchr(value->data, '\0', value->len)) {
        *reason = "must not hold a zero byte";
        return GMCHAT_MALFORMED;
    }

    memset(&buf, 0, sizeof(gmchat_buf_t));
    gmchat_base64_encode(&buf, value->data, value->len);

    value->len = buf.len;
    value->data = buf.failed ? NULL
                             : gmchat_arena_copy(env->arena, buf.data, buf.len);
    gmchat_buf_free(&buf);

    return value->data ? GMCHAT_OK : GMCHAT_UNAVAILABLE;
}


static int
gmchat_token_valid(const gmchat_str_t *value, const char *others)
{
    size_t         i;
    unsigned char  c;

    if (value->len == 0 || value->len > GMCHAT_TOKEN_MAX) {
        return 0;
    }

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
            || (c >= '0' && c <= '9') || (c && strchr(others, c)))
        {
            continue;
        }

        return 0;
    }

    return 1;
}


static gmchat_status_e
gmchat_check_msgid(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (!gmchat_token_valid(value, "_.:-")) {
        *reason = "must be 1 to 64 of A-Z a-z 0-9 _ . : -";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_group(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (!gmchat_token_valid(value, "_.-")) {
        *reason = "must be 1 to 64 of A-Z a-z 0-9 _ . -";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_cursor(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (value->len && !gmchat_cursor_parse(value, NULL, NULL)) {
        *reason = "is not an id or cursor: give back one that a reply held";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_range(const gmchat_str_t *value, int64_t min, int64_t max,
    const char **reason, const char *sentence)
{
    int64_t  number;

    if (!gmchat_integer_parse(value, &number)) {
        return GMCHAT_NOT_INTEGER;
    }

    if (number < min || number > max) {
        *reason = sentence;
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_limit(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    return gmchat_check_range(value, 1, GMCHAT_LIMIT_MAX, reason,
                              "must be 1 to 1000");
}


static gmchat_status_e
gmchat_check_wait(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    return gmchat_check_range(value, 0, GMCHAT_WAIT_MAX, reason,
                              "must be 0 to 55 seconds");
}


static gmchat_status_e
gmchat_check_lease(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    return gmchat_check_range(value, GMCHAT_LEASE_MIN, GMCHAT_LEASE_MAX, reason,
                              "must be 5 to 86400 seconds");
}


static int
gmchat_made_of(const gmchat_str_t *value, const char *alphabet)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] == '\0' || !strchr(alphabet, value->data[i])) {
            return 0;
        }
    }

    return 1;
}


/* Its form is for who gave it out. */

static gmchat_status_e
gmchat_check_position(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (value->len > GMCHAT_POSITION_MAX
        || !gmchat_made_of(value, "0123456789abcdef:,-*"))
    {
        *reason = "is not a cursor: give back one that an event or a reply "
                  "held";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_stream(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (value->len != GMCHAT_STREAM_LEN
        || !gmchat_made_of(value, "0123456789abcdef"))
    {
        *reason = "is not a stream's name: its first event holds it";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_one(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (!gmchat_str_is(value, "1")) {
        *reason = "must be 1, or left out";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_id(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (!gmchat_cursor_parse(value, NULL, NULL)) {
        *reason = "is not an id: give one that history or an event held";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


/* What a canned reply's name may hold beyond ASCII begins at U+00A1: before
 * are control characters and a space. */

static int
gmchat_canned_name_valid(const gmchat_str_t *value)
{
    size_t         i, characters;
    unsigned char  c;

    if (gmchat_utf8_valid(value->data, value->len) != value->len) {
        return 0;
    }

    characters = 0;

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        if (c >= 0x80 && c < 0xc0) {
            continue;
        }

        characters++;

        if (c == 0xc2 && value->data[i + 1] <= 0xa0) {
            return 0;
        }

        if (c < 0x80 && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z')
            && !(c >= '0' && c <= '9') && c != '_' && c != '-')
        {
            return 0;
        }
    }

    return characters > 0 && characters <= GMCHAT_CANNED_NAME_MAX;
}


static gmchat_status_e
gmchat_check_canned_name(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (!gmchat_canned_name_valid(value)) {
        *reason = "must be 1 to 32 letters and digits of any script, _ or -";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_check_format(gmchat_str_t *value, const gmchat_param_env_t *env,
    const char **reason)
{
    (void) env;

    if (!gmchat_str_is(value, "json")) {
        *reason = "must be json, or left out";
        return GMCHAT_MALFORMED;
    }

    return GMCHAT_OK;
}
