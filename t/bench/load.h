
/*
 * load: a TLS client that opens sessions on one set of addresses, resumes
 * ("redeems") them on another, and reports what that cost the servers.
 *
 * Session number i is opened on address i of the first set and redeemed on
 * address i of the second (both modulo their number), with server name i.  So
 * "--open A,B --redeem B,A" redeems each session on the host that has not made
 * it.
 */


#ifndef LOAD_H_INCLUDED
#define LOAD_H_INCLUDED


#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <openssl/ssl.h>


#define LOAD_LIST_MAX     64
#define LOAD_THREADS_MAX  256


typedef struct {
    struct sockaddr_storage   sa;
    socklen_t                 len;
} load_address_t;


typedef struct {
    size_t                    n;
    load_address_t            item[LOAD_LIST_MAX];
} load_addresses_t;


typedef enum {
    LOAD_FULL = 0,              /* no session is offered                 */
    LOAD_TICKET,
    LOAD_ID,                    /* the client says that it takes no ticket */
    LOAD_FULL_ID,               /* the same, and no session is offered   */
    LOAD_FORGED,                /* the same; an ID that nobody gave out  */
    LOAD_EARLY,                 /* a ticket, and the request as early data:
                                   it counts as resumed if that is accepted,
                                   and takes until the response begins   */
    LOAD_LATE                   /* the same, but after the handshake     */
} load_mode_t;


#define LOAD_MODES  7

extern const char  *load_modes[LOAD_MODES];


typedef struct {
    load_addresses_t          open;
    load_addresses_t          redeem;
    const char               *names[LOAD_LIST_MAX];
    size_t                    n_names;
    pid_t                     pids[LOAD_LIST_MAX];
    size_t                    n_pids;
    pid_t                     freeze[LOAD_LIST_MAX];
    size_t                    n_freeze;
    int                       version;      /* TLS1_2_VERSION or 1_3    */
    load_mode_t               mode;
    uint64_t                  handshakes;
    uint64_t                  sessions;     /* fewer than handshakes: each
                                               is redeemed several times */
    unsigned                  in_flight;
    double                    rate;         /* a second, 0: no limit    */
    const char               *request;      /* path, or NULL            */
    const char               *between;      /* shell command, or NULL   */
    double                    patience;     /* seconds, one connection  */
    double                    time;         /* seconds, everything      */
    unsigned                  steps:1;
} load_options_t;


/* Serialized sessions, so that one can be redeemed twice. */

typedef struct {
    unsigned char            *data;
    size_t                    len;
    SSL_SESSION              *ready;        /* for the next time, or NULL */
} load_session_t;


typedef struct {
    char                      text[96];
    uint64_t                  n;
} load_reason_t;


/* What one wave of handshakes came to. */

typedef struct {
    uint64_t                  wanted;
    uint64_t                  done;
    uint64_t                  failed;
    uint64_t                  resumed;
    uint64_t                  sessions;     /* tickets or IDs received  */
    uint64_t                 *latency;      /* of "done", nanoseconds   */
    uint64_t                  wall;         /* nanoseconds              */
    load_reason_t             reasons[16];  /* the last: any other      */
} load_report_t;


typedef struct {
    pid_t                     pid;
    pid_t                     tid;
    uint64_t                  used;
} load_thread_t;


typedef struct {
    uint64_t                  used[LOAD_LIST_MAX];      /* by o->pids */
    load_thread_t             thread[LOAD_THREADS_MAX];
    size_t                    n;                        /* threads    */
} load_cpu_t;


/*
 * Handshakes of one kind: with redeem = 0 full ones on the first set of
 * addresses, where "sessions" (NULL: none are wanted) receives the session of
 * each; with redeem = 1 on the second set, offering "sessions".
 */

typedef struct {
    const load_options_t     *o;
    SSL_CTX                  *ctx;
    int                       redeem;
    load_session_t           *sessions;
    load_report_t            *report;
    uint64_t                  deadline;
    uint64_t                  next;         /* number of the first one  */
} load_wave_t;


/* Monotonic nanoseconds. */
uint64_t load_now(void);

/*
 * Fills the options from the command line.  Returns 0, or -1 after a message
 * on stderr.
 */
int load_options(load_options_t *o, int argc, char **argv);

/* A decimal between two.  Returns 0, or -1, where it is neither. */
int load_number(const char *text, double min, double max, double *number);

/*
 * Nanoseconds of CPU that each of o->pids has used in all its threads.
 * Returns 0, or -1 after a message if there is no such process.
 */
int load_cpu_clocks(const load_options_t *o, load_cpu_t *cpu);

/* The same, and each thread. */
int load_cpu(const load_options_t *o, load_cpu_t *cpu);

/* Adds to "total" what was used between the two. */
void load_cpu_add(load_cpu_t *total, const load_cpu_t *before,
    const load_cpu_t *after, size_t n_pids);

/* Sends a signal to each of o->freeze. */
void load_signal(const load_options_t *o, int number);

/* What handshakes are made with.  NULL if that is not possible. */
SSL_CTX *load_ctx(const load_options_t *o);

/*
 * Makes n handshakes until wave->deadline.  Returns 0, or -1 if the client
 * could not work at all.
 */
int load_wave(load_wave_t *wave, uint64_t n);

/*
 * A wave of n handshakes, whose CPU is added to "cpu": including what the
 * servers do once the last is over.  Returns 0, or -1.
 */
int load_slice(load_wave_t *wave, uint64_t n, load_cpu_t *cpu);

/*
 * Makes as many handshakes as a line of the standard input says, prints what
 * they took as a line of JSON, and so on until the input ends; o->handshakes
 * at most.  Returns 0, or -1.
 */
int load_steps(load_wave_t *wave, load_cpu_t *cpu);

/* Returns 0, or -1 without memory for the latencies of "n" handshakes. */
int load_report_init(load_report_t *report, uint64_t n);

void load_report_free(load_report_t *report);

/* Counts a handshake that was completed. */
void load_report_done(load_report_t *report, uint64_t latency, int resumed);

/* Counts one that was not. */
void load_report_failed(load_report_t *report, const char *reason);

/*
 * The median of the latencies from number "first" on, which it sorts; 0 if
 * there are none.
 */
uint64_t load_report_middle(load_report_t *report, uint64_t first);

/*
 * Prints a line of JSON: what was measured, and how opening the sessions went
 * if there was that.
 */
void load_report_print(const load_options_t *o, load_report_t *measured,
    const load_report_t *opened, const load_cpu_t *cpu);


#endif /* LOAD_H_INCLUDED */
