
/* The input is a secret file. */

#include "fuzz.h"

#include "sss_secret.h"


static void check_secrets(const sss_secrets_t *secrets);
static void check_again(const sss_secrets_t *secrets);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               i, lines;
    unsigned             line;
    sss_secrets_t        secrets;
    sss_secret_error_t   error;

    lines = 1;

    for (i = 0; i < size; i++) {
        lines += data[i] == '\n';
    }

    memset(&secrets, 0xa5, sizeof(secrets));

    error = sss_secrets_parse((const char *) data, size, &secrets, &line);

    fuzz_check(sss_secret_strerror(error) != NULL);

    if (error != SSS_SECRET_OK) {
        fuzz_check(line >= 1 && line <= lines);
        fuzz_check(fuzz_zero(&secrets, sizeof(secrets)));

        return 0;
    }

    check_secrets(&secrets);
    check_again(&secrets);

    return 0;
}


static void
check_secrets(const sss_secrets_t *secrets)
{
    size_t          i, k;
    const uint8_t  *value;

    fuzz_check(secrets->n >= 1 && secrets->n <= SSS_SECRETS_MAX);

    for (i = 0; i < secrets->n; i++) {
        value = secrets->value[i];

        fuzz_check(memcmp(value, value + 1, SSS_SECRET_SIZE - 1) != 0);

        for (k = 0; k < i; k++) {
            fuzz_check(memcmp(value, secrets->value[k], SSS_SECRET_SIZE)
                       != 0);
        }
    }

    for (i = secrets->n; i < SSS_SECRETS_MAX; i++) {
        fuzz_check(fuzz_zero(secrets->value[i], SSS_SECRET_SIZE));
    }
}


/* The secrets, written as hex, must be read as the same. */

static void
check_again(const sss_secrets_t *secrets)
{
    int            n;
    char           text[SSS_SECRETS_MAX * (2 * SSS_SECRET_SIZE + 1) + 1];
    size_t         i, k;
    unsigned       line;
    sss_secrets_t  again;

    n = 0;

    for (i = 0; i < secrets->n; i++) {
        for (k = 0; k < SSS_SECRET_SIZE; k++) {
            n += sprintf(text + n, "%02X", secrets->value[i][k]);
        }

        n += sprintf(text + n, "\n");
    }

    fuzz_check(sss_secrets_parse(text, (size_t) n, &again, &line)
               == SSS_SECRET_OK);
    fuzz_check(memcmp(&again, secrets, sizeof(again)) == 0);
}
