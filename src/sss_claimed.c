
#include <stdlib.h>
#include <string.h>

#include "sss_claimed.h"


/* In this order. */

enum {
    SSS_CLAIMED_BEFORE = 0,             /* the badge                       */
    SSS_CLAIMED_APPEND,
    SSS_CLAIMED_LOG,
    SSS_CLAIMED_AFTER,                  /* the badge                       */
    SSS_CLAIMED_ANSWERS
};


static int sss_claimed_append(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply);
static int sss_claimed_badge(sss_claim_badge_t *badge, sss_reply_rc_t rc,
    const sss_reply_t *reply);
static int sss_claimed_log(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply);
static int sss_claimed_none(sss_reply_rc_t rc, const sss_reply_t *reply);


int
sss_claimed(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    int  answer;

    switch (request->lines) {

    case SSS_CLAIMED_APPEND:
        answer = sss_claimed_append(request, rc, reply);
        break;

    case SSS_CLAIMED_LOG:
        answer = sss_claimed_log(request, rc, reply);
        break;

    case SSS_CLAIMED_BEFORE:
        answer = sss_claimed_badge(&request->reply.before, rc, reply);
        break;

    default:
        answer = sss_claimed_badge(&request->reply.after, rc, reply);
    }

    if (!answer) {
        return -1;
    }

    return ++request->lines < SSS_CLAIMED_ANSWERS;
}


/* These return 1 if it is an answer to what was asked. */

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


static int
sss_claimed_badge(sss_claim_badge_t *badge, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    if (rc == SSS_REPLY_META) {
        sss_claim_badge_read(reply->value, reply->len, reply->left, badge);
        return 1;
    }

    return rc == SSS_REPLY_LARGE || sss_claimed_none(rc, reply);
}


static int
sss_claimed_log(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    if (rc != SSS_REPLY_META) {
        return rc == SSS_REPLY_LARGE || sss_claimed_none(rc, reply);
    }

    if (request->gone) {
        return 1;
    }

    request->reply.logged = 1;
    request->reply.log_left = reply->left;

    if (reply->len > SSS_ENGINE_VALUE) {
        return 1;
    }

    request->value = malloc(reply->len + 1);

    if (request->value != NULL) {
        memcpy(request->value, reply->value, reply->len);
        request->len = reply->len;
    }

    return 1;
}


/* A server that does not know "mg" says so, and goes on. */

static int
sss_claimed_none(sss_reply_rc_t rc, const sss_reply_t *reply)
{
    return rc == SSS_REPLY_NO_META
           || (rc == SSS_REPLY_ERROR && strcmp(reply->error, "ERROR") == 0);
}
