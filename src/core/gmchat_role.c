#include <jansson.h>

#include "gmchat_role.h"


gmchat_status_e
gmchat_role_answer(unsigned http, const unsigned char *body, size_t len)
{
    json_t           *answer, *code;
    json_error_t      error;
    gmchat_status_e   status;

    if (http != 200 || body == NULL) {
        return GMCHAT_ROLE_UNAVAILABLE;
    }

    /* as reals: an integer that jansson cannot hold is no broken answer */

    answer = json_loadb((const char *) body, len,
                        JSON_ALLOW_NUL|JSON_DECODE_INT_AS_REAL, &error);

    if (!json_is_object(answer)) {
        json_decref(answer);
        return GMCHAT_ROLE_UNAVAILABLE;
    }

    code = json_object_get(answer, "code");
    status = json_is_real(code) && json_real_value(code) == 1.0
                 ? GMCHAT_OK : GMCHAT_NO_PLAYER;

    json_decref(answer);

    return status;
}
