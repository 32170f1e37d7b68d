
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "sss_hmac.h"
#include "sss_memory.h"
#include "sss_ticket.h"


#define SSS_TICKET_IV        16
#define SSS_TICKET_TEXT      (SSS_KEY_NAME + SSS_TICKET_IV)
#define SSS_TICKET_BLOCK     16

#define SSS_TICKET_SEQUENCE  0x30       /* DER                             */
#define SSS_TICKET_INTEGER   0x02
#define SSS_TICKET_AGE_ADD   0xae       /* [14] of the session             */


struct sss_ticket_s {
    EVP_CIPHER_CTX  *cipher;
};


typedef struct {
    const uint8_t   *p;
    const uint8_t   *end;
} sss_ticket_der_t;


static int sss_ticket_take(sss_ticket_der_t *from, uint8_t *tag,
    sss_ticket_der_t *value);


static const uint8_t  sss_ticket_none[32];


sss_ticket_t *
sss_ticket_create(void)
{
    sss_ticket_t  *opener;

    opener = calloc(1, sizeof(sss_ticket_t));
    if (opener == NULL) {
        return NULL;
    }

    opener->cipher = EVP_CIPHER_CTX_new();

    /* the algorithm once, the keys for each ticket */

    if (opener->cipher == NULL
        || EVP_DecryptInit_ex(opener->cipher, EVP_aes_256_cbc(), NULL, NULL,
                              NULL)
           != 1)
    {
        sss_ticket_destroy(opener);
        return NULL;
    }

    return opener;
}


void
sss_ticket_destroy(sss_ticket_t *opener)
{
    if (opener != NULL) {
        EVP_CIPHER_CTX_free(opener->cipher);
        free(opener);
    }
}


long
sss_ticket_open(sss_ticket_t *opener, const sss_key_t *key,
    const uint8_t *ticket, size_t len, uint8_t *out)
{
    int             n, last, ok;
    size_t          text;
    uint8_t         mac[SSS_HMAC_SIZE];
    sss_hmac_key_t  hmac;

    if (len < SSS_TICKET_OVERHEAD + SSS_TICKET_BLOCK
        || len > INT32_MAX
        || memcmp(ticket, key->name, SSS_KEY_NAME) != 0)
    {
        return -1;
    }

    n = 0;
    last = 0;
    text = len - SSS_TICKET_OVERHEAD;

    sss_hmac_key(&hmac, key->hmac, sizeof(key->hmac));
    sss_hmac(&hmac, ticket, SSS_TICKET_TEXT + text, mac);
    sss_memory_wipe(&hmac, sizeof(hmac));

    if (CRYPTO_memcmp(mac, ticket + SSS_TICKET_TEXT + text, sizeof(mac))
        != 0)
    {
        return -1;
    }

    ok = EVP_DecryptInit_ex(opener->cipher, NULL, NULL, key->aes,
                            ticket + SSS_KEY_NAME) == 1
         && EVP_DecryptUpdate(opener->cipher, out, &n,
                              ticket + SSS_TICKET_TEXT, (int) text) == 1
         && EVP_DecryptFinal_ex(opener->cipher, out + n, &last) == 1;

    /* the STEK does not stay behind in OpenSSL's memory */

    (void) EVP_DecryptInit_ex(opener->cipher, NULL, NULL, sss_ticket_none,
                              sss_ticket_none);

    if (!ok) {
        sss_memory_wipe(out, len);
        ERR_clear_error();
        return -1;
    }

    return (long) n + last;
}


int
sss_ticket_age_add(const uint8_t *session, size_t len, uint32_t *add)
{
    uint8_t           tag;
    sss_ticket_der_t  in, fields, value, number;

    *add = 0;

    in.p = session;
    in.end = session + len;

    if (sss_ticket_take(&in, &tag, &fields) != 0
        || tag != SSS_TICKET_SEQUENCE)
    {
        return -1;
    }

    while (fields.p < fields.end) {

        if (sss_ticket_take(&fields, &tag, &value) != 0) {
            return -1;
        }

        if (tag != SSS_TICKET_AGE_ADD) {
            continue;
        }

        if (sss_ticket_take(&value, &tag, &number) != 0
            || tag != SSS_TICKET_INTEGER
            || value.p != value.end
            || number.end - number.p > 5)
        {
            return -1;
        }

        for ( /* void */ ; number.p < number.end; number.p++) {
            *add = *add << 8 | *number.p;
        }

        return 0;
    }

    /* OpenSSL writes no zero */

    return 0;
}


/* A tag of one byte, a length of up to three, and so many bytes. */

static int
sss_ticket_take(sss_ticket_der_t *from, uint8_t *tag, sss_ticket_der_t *value)
{
    size_t  len, bytes;

    if (from->end - from->p < 2) {
        return -1;
    }

    *tag = *from->p++;
    len = *from->p++;

    if (len > 0x7f) {
        bytes = len - 0x80;

        if (bytes == 0 || bytes > 3
            || (size_t) (from->end - from->p) < bytes)
        {
            return -1;
        }

        for (len = 0; bytes > 0; bytes--) {
            len = len << 8 | *from->p++;
        }
    }

    if ((size_t) (from->end - from->p) < len) {
        return -1;
    }

    value->p = from->p;
    value->end = from->p + len;
    from->p += len;

    return 0;
}
