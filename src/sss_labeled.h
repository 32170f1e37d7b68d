
/*
 * LabeledExtract() and LabeledExpand() of RFC 9180, section 4, with
 * HKDF-SHA256: the key derivation functions of HPKE and its KEMs.
 */


#ifndef SSS_LABELED_H_INCLUDED
#define SSS_LABELED_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_hmac.h"


#define SSS_LABELED_TEXT  1536          /* most bytes of prefix, suite_id,
                                           label and text together         */


typedef struct {
    uint8_t  suite[12];                 /* the suite_id of the RFC         */
    size_t   suite_len;
    uint8_t  bytes[SSS_LABELED_TEXT];   /* where the text to be hashed is
                                           put together                    */
} sss_labeled_t;


/*
 * Sets the suite_id: a name of 3 or 4 characters ("KEM" or "HPKE") and "n"
 * numbers, at most 3.
 */
void sss_labeled_suite(sss_labeled_t *labeled, const char *name,
    const uint16_t *ids, size_t n);

/*
 * LabeledExtract() writes SSS_HMAC_SIZE bytes into "out", LabeledExpand() the
 * first "size" bytes, at most SSS_HMAC_SIZE.  "label" is a string of at most
 * 32 characters, "text" has at most SSS_LABELED_TEXT - 64 bytes.  Copies of
 * secret arguments stay in "labeled"; the caller wipes it.
 */
void sss_labeled_extract(sss_labeled_t *labeled, const uint8_t *salt,
    size_t salt_len, const char *label, const uint8_t *text, size_t len,
    uint8_t *out);
void sss_labeled_expand(sss_labeled_t *labeled, const sss_hmac_key_t *prk,
    const char *label, const uint8_t *text, size_t len, uint8_t *out,
    size_t size);


#endif /* SSS_LABELED_H_INCLUDED */
