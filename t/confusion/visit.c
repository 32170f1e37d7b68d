
/*
 * A TLS client that visits servers as it is told, line by line.
 *
 *     client NUMBER [CERTIFICATE KEY]
 *     make SLOT CLIENT ADDRESS PORT KIND NAME SECOND HOST LOW HIGH FORM
 *          CIPHERS GROUPS
 *     offer SLOT ...
 *
 * "make" begins without a session and keeps the one it gets in a slot, "offer"
 * offers the one that is there and leaves it there.  KIND, http, stream or
 * mail, says how to talk.  NAME is the SNI, "-" for none, and SECOND that of a
 * ClientHello after a HelloRetryRequest; HOST is what a request says.  LOW and
 * HIGH are 12 or 13.  FORM is "ticket" or "id": a client that in TLS 1.2 wants
 * no tickets.  CIPHERS are those of TLS 1.2.
 *
 * Each line is answered by one:
 *
 *     HOW RESUMED VERSION CIPHER RETRIED TEXT
 *
 * HOW is "done", "refused" (no TLS came about), "empty" (no session came of
 * "make") or "broken" (no connection, no answer in time).  RETRIED says
 * whether there was a HelloRetryRequest.  TEXT is what the server said, or
 * what was wrong with TLS, in one word.
 */


#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>


#define VISIT_CLIENTS   16
#define VISIT_SLOTS     4096
#define VISIT_WORDS     16
#define VISIT_PATIENCE  60              /* seconds */
#define VISIT_ANSWER    4096

#define VISIT_HELLO     2               /* handshake message ServerHello */


typedef enum {
    VISIT_MAKE = 1,
    VISIT_SLOT,
    VISIT_CLIENT,
    VISIT_ADDRESS,
    VISIT_PORT,
    VISIT_KIND,
    VISIT_NAME,
    VISIT_SECOND,
    VISIT_HOST,
    VISIT_LOW,
    VISIT_HIGH,
    VISIT_FORM,
    VISIT_CIPHERS,
    VISIT_GROUPS,
    VISIT_END
} visit_word_t;


typedef struct {
    char         **words;
    int            retried;
    SSL_SESSION   *fresh;           /* the last session that came */
    const char    *how;
    char           text[VISIT_ANSWER];
} visit_t;


static int visit_command(char *line);
static int visit_client(char **words, int n);
static int visit_visit(char **words);
static int visit_connect(visit_t *v);
static SSL *visit_ssl(visit_t *v, int fd);
static int visit_prepare(visit_t *v, SSL *ssl);
static void visit_talk(visit_t *v, SSL *ssl);
static size_t visit_read(visit_t *v, SSL *ssl, char *answer, size_t len,
    size_t size);
static void visit_keep(visit_t *v, const char *answer);
static void visit_word(visit_t *v, const char *text);
static int visit_new_session(SSL *ssl, SSL_SESSION *session);
static void visit_watch(int write, int version, int type, const void *buf,
    size_t len, SSL *ssl, void *arg);
static void visit_acknowledge(SSL *ssl);
static int visit_version(const char *word);
static const char *visit_name(const char *word);


static SSL_CTX      *clients[VISIT_CLIENTS];
static SSL_SESSION  *slots[VISIT_SLOTS];


int
main(void)
{
    int   rc;
    char  line[4096];

    (void) signal(SIGPIPE, SIG_IGN);

    rc = 0;

    while (rc == 0 && fgets(line, sizeof(line), stdin) != NULL) {
        rc = visit_command(line);
    }

    return rc;
}


static int
visit_command(char *line)
{
    int    n;
    char  *words[VISIT_WORDS], *word, *last;

    n = 1;

    for (word = strtok_r(line, " \n", &last);
         word != NULL && n < VISIT_WORDS;
         word = strtok_r(NULL, " \n", &last))
    {
        words[n++] = word;
    }

    if (n > 2 && strcmp(words[VISIT_MAKE], "client") == 0) {
        return visit_client(words, n);
    }

    if (n == VISIT_END) {
        return visit_visit(words);
    }

    (void) fprintf(stderr, "visit: a line of %d words\n", n - 1);

    return 2;
}


static int
visit_client(char **words, int n)
{
    int       number;
    SSL_CTX  *ctx;

    number = atoi(words[2]);
    ctx = SSL_CTX_new(TLS_client_method());

    if (number < 0 || number >= VISIT_CLIENTS || ctx == NULL) {
        (void) fprintf(stderr, "visit: no room for a client\n");
        SSL_CTX_free(ctx);
        return 2;
    }

    (void) SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT
                                               |SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, visit_new_session);
    SSL_CTX_set_msg_callback(ctx, visit_watch);

    if (n == 5
        && (SSL_CTX_use_certificate_chain_file(ctx, words[3]) != 1
            || SSL_CTX_use_PrivateKey_file(ctx, words[4], SSL_FILETYPE_PEM)
               != 1))
    {
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(ctx);
        return 2;
    }

    SSL_CTX_free(clients[number]);
    clients[number] = ctx;

    return 0;
}


static int
visit_visit(char **words)
{
    int         fd;
    SSL        *ssl;
    visit_t     v;
    const char *version, *cipher;

    memset(&v, 0, sizeof(visit_t));
    v.words = words;
    v.how = "broken";

    version = "-";
    cipher = "-";
    ssl = NULL;

    fd = visit_connect(&v);

    if (fd != -1) {
        ssl = visit_ssl(&v, fd);
    }

    if (ssl != NULL) {
        visit_talk(&v, ssl);

        if (strcmp(v.how, "done") == 0 || strcmp(v.how, "empty") == 0) {
            version = SSL_get_version(ssl);
            cipher = SSL_get_cipher_name(ssl);
        }
    }

    (void) printf("%s %d %s %s %d %s\n", v.how,
                  ssl != NULL && SSL_session_reused(ssl), version, cipher,
                  v.retried, v.text[0] ? v.text : "-");
    (void) fflush(stdout);

    SSL_SESSION_free(v.fresh);
    SSL_free(ssl);

    if (fd != -1) {
        (void) close(fd);
    }

    ERR_clear_error();

    return 0;
}


static int
visit_connect(visit_t *v)
{
    int                 fd, on;
    struct timeval      patience;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(struct sockaddr_in));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) atoi(v->words[VISIT_PORT]));

    if (inet_pton(AF_INET, v->words[VISIT_ADDRESS], &sin.sin_addr) != 1) {
        return -1;
    }

    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == -1) {
        return -1;
    }

    on = 1;
    patience.tv_sec = VISIT_PATIENCE;
    patience.tv_usec = 0;

    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                      sizeof(patience))
           == -1
        || connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1)
    {
        (void) close(fd);
        return -1;
    }

    return fd;
}


static SSL *
visit_ssl(visit_t *v, int fd)
{
    int       client, slot;
    SSL      *ssl;
    char    **words;

    words = v->words;
    client = atoi(words[VISIT_CLIENT]);
    slot = atoi(words[VISIT_SLOT]);

    if (client < 0 || client >= VISIT_CLIENTS || clients[client] == NULL
        || slot < 0 || slot >= VISIT_SLOTS)
    {
        return NULL;
    }

    ssl = SSL_new(clients[client]);

    if (ssl == NULL) {
        return NULL;
    }

    if (SSL_set_fd(ssl, fd) != 1 || visit_prepare(v, ssl) != 0) {
        ERR_print_errors_fp(stderr);
        SSL_free(ssl);
        return NULL;
    }

    return ssl;
}


static int
visit_prepare(visit_t *v, SSL *ssl)
{
    int            rc;
    char         **words;
    const char    *name;
    SSL_SESSION   *offered;

    words = v->words;

    (void) SSL_set_app_data(ssl, v);
    SSL_set_msg_callback_arg(ssl, v);

    if (SSL_set_min_proto_version(ssl, visit_version(words[VISIT_LOW])) != 1
        || SSL_set_max_proto_version(ssl, visit_version(words[VISIT_HIGH]))
           != 1
        || SSL_set_cipher_list(ssl, words[VISIT_CIPHERS]) != 1
        || SSL_set1_groups_list(ssl, words[VISIT_GROUPS]) != 1)
    {
        return -1;
    }

    if (strcmp(words[VISIT_FORM], "id") == 0) {
        (void) SSL_set_options(ssl, SSL_OP_NO_TICKET);
    }

    name = visit_name(words[VISIT_NAME]);

    if (name != NULL && SSL_set_tlsext_host_name(ssl, name) != 1) {
        return -1;
    }

    if (strcmp(words[VISIT_MAKE], "offer") == 0) {
        offered = slots[atoi(words[VISIT_SLOT])];

        if (offered == NULL) {
            return -1;
        }

        /* OpenSSL marks a session after a fatal alert: so it gets a copy */

        offered = SSL_SESSION_dup(offered);
        rc = (offered != NULL) ? SSL_set_session(ssl, offered) : 0;
        SSL_SESSION_free(offered);

        if (rc != 1) {
            return -1;
        }
    }

    return 0;
}


static void
visit_talk(visit_t *v, SSL *ssl)
{
    int           rc;
    char          ask[512], answer[VISIT_ANSWER];
    size_t        len;
    const char   *kind;

    rc = SSL_connect(ssl);

    if (rc != 1) {

        /* what was waited for in vain would still be wanted */

        if (SSL_get_error(ssl, rc) != SSL_ERROR_WANT_READ) {
            v->how = "refused";
            visit_word(v, ERR_reason_error_string(ERR_peek_error()));
        }

        return;
    }

    v->how = "done";
    kind = v->words[VISIT_KIND];
    len = 0;

    if (strcmp(kind, "mail") == 0) {
        (void) strcpy(ask, "a LOGOUT\r\n");

        /* who is turned away gets something else to read, and the end */

        len = visit_read(v, ssl, answer, 0, 1);

    } else {
        (void) snprintf(ask, sizeof(ask),
                        "GET / HTTP/1.0\r\nHost: %.255s\r\n\r\n",
                        v->words[VISIT_HOST]);
    }

    if (strcmp(kind, "stream") != 0) {
        (void) SSL_write(ssl, ask, (int) strlen(ask));
    }

    len = visit_read(v, ssl, answer, len, sizeof(answer) - 1);
    answer[len] = '\0';

    if (strcmp(v->how, "done") == 0) {
        visit_keep(v, answer);
    }

    (void) SSL_shutdown(ssl);
}


/* Reads until there are so many bytes, or to the end. */

static size_t
visit_read(visit_t *v, SSL *ssl, char *answer, size_t len, size_t size)
{
    int  n;

    while (len < size) {
        visit_acknowledge(ssl);

        n = SSL_read(ssl, answer + len, (int) (VISIT_ANSWER - 1 - len));

        if (n <= 0) {
            if (SSL_get_error(ssl, n) == SSL_ERROR_WANT_READ) {
                v->how = "broken";
            }

            break;
        }

        len += n;
    }

    return len;
}


/* Of a page its text, of an answer by which nginx turns away its status. */

static void
visit_keep(visit_t *v, const char *answer)
{
    int          slot;
    const char  *body;

    body = strstr(answer, "\r\n\r\n");

    if (strncmp(answer, "HTTP/1.1 200", 12) == 0 && body != NULL) {
        visit_word(v, body + 4);

    } else if (strncmp(answer, "HTTP/1.1 ", 9) == 0) {
        visit_word(v, answer + 9);

    } else {
        visit_word(v, answer);
    }

    if (strcmp(v->words[VISIT_MAKE], "make") != 0) {
        return;
    }

    slot = atoi(v->words[VISIT_SLOT]);

    SSL_SESSION_free(slots[slot]);
    slots[slot] = v->fresh;
    v->fresh = NULL;

    if (slots[slot] == NULL) {
        v->how = "empty";
    }
}


/* The first line of something, without blanks. */

static void
visit_word(visit_t *v, const char *text)
{
    char  *p;

    if (text == NULL) {
        return;
    }

    (void) snprintf(v->text, sizeof(v->text), "%s", text);

    v->text[strcspn(v->text, "\r\n")] = '\0';

    for (p = v->text; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~') {
            *p = '_';
        }
    }
}


static int
visit_new_session(SSL *ssl, SSL_SESSION *session)
{
    visit_t  *v;

    v = SSL_get_app_data(ssl);

    SSL_SESSION_free(v->fresh);
    v->fresh = session;

    return 1;
}


/* The random value of a HelloRetryRequest begins like this. */

static void
visit_watch(int write, int version, int type, const void *buf, size_t len,
    SSL *ssl, void *arg)
{
    visit_t               *v;
    const unsigned char   *p;

    static const unsigned char  retry[] = { 0xcf, 0x21, 0xad, 0x74 };

    (void) version;

    v = arg;
    p = buf;

    if (!write) {
        visit_acknowledge(ssl);
    }

    if (!write && type == SSL3_RT_HANDSHAKE && len > 40
        && p[0] == VISIT_HELLO && memcmp(p + 6, retry, sizeof(retry)) == 0)
    {
        v->retried = 1;
        (void) SSL_set_tlsext_host_name(ssl,
                                       visit_name(v->words[VISIT_SECOND]));
    }
}


/*
 * The server may keep the next piece until it knows that this one has
 * arrived, which the kernel would tell it only after 40 ms.
 */

static void
visit_acknowledge(SSL *ssl)
{
    int  on;

    on = 1;

    (void) setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_QUICKACK, &on,
                      sizeof(on));
}


static int
visit_version(const char *word)
{
    return strcmp(word, "12") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
}


static const char *
visit_name(const char *word)
{
    return strcmp(word, "-") == 0 ? NULL : word;
}
