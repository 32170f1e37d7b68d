
/*
 * What is wrong with a memcached server that answers, but does not keep what
 * hosts store in it.
 */


#ifndef SSS_TROUBLE_H_INCLUDED
#define SSS_TROUBLE_H_INCLUDED


#include "sss_sync.h"


#define SSS_TROUBLE_ODD   8             /* a poll that sees the trouble adds so
                                           much to a count ("losses" or
                                           "returns"), others subtract 1   */
#define SSS_TROUBLE_MANY  16            /* a greater count is reported: the
                                           trouble was seen three times lately,
                                           not once as after a restart     */


/*
 * Returns a static sentence for the operator that says what is wrong and what
 * to do, or an empty string if the report shows no trouble of a known kind.
 */
const char *sss_server_trouble(const sss_server_report_t *report);


#endif /* SSS_TROUBLE_H_INCLUDED */
