
/*
 * LabeledExtract() and LabeledExpand() of RFC 9180, section 4, with
 * HKDF-SHA256.
 */


#ifndef SSS_LABELED_H_INCLUDED
#define SSS_LABELED_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_hmac.h"


#define SSS_LABELED_TEXT  1536          /* label and text, at the most     */


typedef struct {
    uint8_t  suite[12];
    size_t   suite_len;
    uint8_t  bytes[SSS_LABELED_TEXT];   /* room to put a text together     */
} sss_labeled_t;


/* The suite_id: a name of 3 or 4 characters, and up to 3 numbers. */
void sss_labeled_suite(sss_labeled_t *labeled, const char *name,
    const uint16_t *ids, size_t n);

/*
 * Both write SSS_HMAC_SIZE bytes or, of the second, "size" which are no more
 * than that.  "text" has at most SSS_LABELED_TEXT - 64 bytes, labels have at
 * most 32.  What they worked with stays in "labeled", which the caller wipes.
 */
void sss_labeled_extract(sss_labeled_t *labeled, const uint8_t *salt,
    size_t salt_len, const char *label, const uint8_t *text, size_t len,
    uint8_t *out);
void sss_labeled_expand(sss_labeled_t *labeled, const sss_hmac_key_t *prk,
    const char *label, const uint8_t *text, size_t len, uint8_t *out,
    size_t size);


#endif /* SSS_LABELED_H_INCLUDED */
