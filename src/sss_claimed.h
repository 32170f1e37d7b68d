
/* What a server answers to a claim: to "append", and three times to "mg". */


#ifndef SSS_CLAIMED_H_INCLUDED
#define SSS_CLAIMED_H_INCLUDED


#include "sss_reply.h"
#include "sss_request.h"


/*
 * Takes the next answer to a claim.  Returns 1 if there are more to come, 0 if
 * that was the last one, and -1 if it is none; for a refusal that makes no
 * difference to what comes next it is one of the former.
 */
int sss_claimed(sss_request_t *request, sss_reply_rc_t rc,
    const sss_reply_t *reply);


#endif /* SSS_CLAIMED_H_INCLUDED */
