
/* What is wrong with a memcached server that answers and is no use. */


#ifndef SSS_TROUBLE_H_INCLUDED
#define SSS_TROUBLE_H_INCLUDED


#include "sss_sync.h"


#define SSS_TROUBLE_ODD   8             /* what each poll that sees it adds to
                                           a count; others take one off    */
#define SSS_TROUBLE_MANY  16            /* more than two of late: it was not
                                           only restarted, or flushed      */


/*
 * In a sentence; static, and empty if it is none of the kinds that are known.
 */
const char *sss_server_trouble(const sss_server_report_t *report);


#endif /* SSS_TROUBLE_H_INCLUDED */
