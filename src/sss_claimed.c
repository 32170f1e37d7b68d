
#include <stdlib.h>
#include <string.h>

#include "sss_claimed.h"


#define SSS_CLAIMED_ANSWERS  3


static int sss_claimed_append(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply);
static int sss_claimed_item(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply);
static void sss_claimed_log(sss_request_t *request, const sss_reply_t *reply);


int
sss_claimed(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    int  answer;

    answer = request->lines == 0 ? sss_claimed_append(request, rc, reply)
                                 : sss_claimed_item(request, rc, reply);

    if (!answer) {
        return -1;
    }

    return ++request->lines < SSS_CLAIMED_ANSWERS;
}


/* Returns 1 if it is an answer to "append". */

static int
sss_claimed_append(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    request->reply.stored = (rc == SSS_REPLY_STORED);

    return rc == SSS_REPLY_STORED
           || rc == SSS_REPLY_NOT_STORED
           || (rc == SSS_REPLY_ERROR
               && strncmp(reply->error, "SERVER_ERROR", 12) == 0);
}


/* To "mg"; a server that does not know it says so, and goes on. */

static int
sss_claimed_item(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    if (rc == SSS_REPLY_META && !request->gone) {

        if (request->lines == 1) {
            sss_claimed_log(request, reply);

        } else {
            request->reply.mark_left = reply->left;
            request->reply.marked =
                sss_claim_mark_read(reply->value, reply->len,
                                    &request->reply.servers)
                == 0;
        }
    }

    return rc == SSS_REPLY_META
           || rc == SSS_REPLY_LARGE
           || rc == SSS_REPLY_NO_META
           || (rc == SSS_REPLY_ERROR && strcmp(reply->error, "ERROR") == 0);
}


static void
sss_claimed_log(sss_request_t *request, const sss_reply_t *reply)
{
    request->reply.logged = 1;
    request->reply.log_left = reply->left;

    if (reply->len > SSS_ENGINE_VALUE) {
        return;
    }

    request->value = malloc(reply->len + 1);

    if (request->value != NULL) {
        memcpy(request->value, reply->value, reply->len);
        request->len = reply->len;
    }
}
