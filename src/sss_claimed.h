
/* The answers of a server to a claim: one to "append" and three to "mg". */


#ifndef SSS_CLAIMED_H_INCLUDED
#define SSS_CLAIMED_H_INCLUDED


#include "sss_reply.h"
#include "sss_request.h"


/*
 * Takes the next answer to a claim.  Returns 1 if more answers come, 0 if this
 * was the last one, and -1 if it is no valid answer.  A refusal after which
 * the other answers come as usual is a valid one.
 */
int sss_claimed(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply);


#endif /* SSS_CLAIMED_H_INCLUDED */
