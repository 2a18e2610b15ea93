#ifndef GMCHAT_REPLY_INTERNAL_H
#define GMCHAT_REPLY_INTERNAL_H


#include "gmchat_reply.h"


/* What the files of the encoders share: none of it is for others. */


/* An item of a script's reply; NULL if it is not there or of another kind. */
const gmchat_value_t *gmchat_reply_item(const gmchat_value_t *value,
    size_t i, gmchat_value_kind_e kind);

/* Where `data` is written: into the body itself, or aside for base64. */
gmchat_buf_t *gmchat_reply_open(gmchat_reply_t *reply);

/* What was written there is whole. */
void gmchat_reply_close(gmchat_reply_t *reply);

/* A member of the object that is open: true or false; .. */
void gmchat_reply_flag(gmchat_buf_t *buf, const char *name, int64_t value);

/* .. a string; .. */
void gmchat_reply_string(gmchat_buf_t *buf, const char *name,
    const gmchat_value_t *value);

/* .. a number that the store keeps as text, or gives as an integer. */
void gmchat_reply_number(gmchat_buf_t *buf, const char *name,
    const gmchat_value_t *value);

/*
 * `data` as a list of objects, each made by `object` of `width` items of
 * `list` from `first` on.  Returns 0; or -1 if `object` does, or where the
 * items do not come out even.
 */
int gmchat_reply_objects(gmchat_reply_t *reply, const gmchat_value_t *list,
    size_t first, size_t width,
    int (*object)(gmchat_reply_t *reply, gmchat_buf_t *buf,
                  const gmchat_value_t *items));


#endif /* GMCHAT_REPLY_INTERNAL_H */
