
/*
 * The input is what a server answers to a claim.  Nothing but the answer of
 * one that has the claim as the first of its flight speaks for it.
 */

#define _GNU_SOURCE                 /* memmem() */

#include "fuzz.h"

#include "sss_talk.h"


#define SLOT     53125000u
#define SERVER   0x6162636465666768u
#define NOW      (SLOT * (uint64_t) SSS_CLAIM_SLOT)


static void check_judged(const sss_claim_t *claim,
    const sss_request_t *request, const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          cut;
    sss_talk_t      talk;
    sss_queue_t     done;
    sss_claim_t     claim;
    sss_request_t  *request;

    if (size == 0) {
        return 0;
    }

    memset(&talk, 0, sizeof(talk));
    memset(&done, 0, sizeof(done));
    talk.done = &done;

    sss_claim_init(&claim, "ns", 2, SLOT, (const uint8_t *) "abcdefghi",
                   (const uint8_t *) "jklmnopq", SERVER);

    request = sss_request_create(SSS_REQUEST_CLAIM, claim.log);
    fuzz_check(request != NULL);

    request->claim = malloc(sizeof(sss_claim_t));
    fuzz_check(request->claim != NULL);

    *request->claim = claim;
    request->until = 10;

    sss_talk_claim(&talk, request);

    /* the first byte says where the answer is in two */

    cut = data[0] < size - 1 ? data[0] : size - 1;
    data++;
    size--;

    fuzz_check(sss_buffer_add(&talk.in, data, cut) == 0);

    if (sss_talk_hear(&talk, 1) == 0) {
        fuzz_check(sss_buffer_add(&talk.in, data + cut, size - cut) == 0);
        (void) sss_talk_hear(&talk, 1);
    }

    sss_talk_end(&talk);

    fuzz_check(sss_queue_pop(&done) == request && done.head == NULL);
    fuzz_check((request->rc == SSS_ENGINE_HIT) == (request->value != NULL));

    if (request->rc != SSS_ENGINE_FAILED) {
        check_judged(&claim, request, data, size);
    }

    sss_request_free(request);

    return 0;
}


static void
check_judged(const sss_claim_t *claim, const sss_request_t *request,
    const uint8_t *data, size_t size)
{
    const uint8_t             *own;
    sss_claim_rc_t             rc;
    const sss_claim_reply_t   *reply;

    reply = &request->reply;

    rc = sss_claim_judge(claim, reply, request->value, request->len, NOW);

    fuzz_check(strlen(sss_claim_strerror(rc)) > 0);

    if (rc != SSS_CLAIM_FIRST) {
        return;
    }

    fuzz_check(reply->stored && reply->logged);
    fuzz_check(reply->before.id == SERVER && reply->after.id == SERVER);
    fuzz_check(memmem(data, size, "\r\nSTORED\r\n", 10) != NULL);
    fuzz_check(reply->log_left <= SSS_CLAIM_TTL - SSS_CLAIM_LIFE);

    /* no other record of the flight comes before it */

    own = memmem(request->value, request->len, claim->record,
                 SSS_CLAIM_RECORD);
    fuzz_check(own != NULL);
    fuzz_check((size_t) (own - request->value) % SSS_CLAIM_RECORD == 0);
}
