
/*
 * Reads the files that others must not be able to read: secret_file and
 * auth_file.  They are read with the configuration, as the user that starts
 * nginx.
 */


#include "ngx_ssl_session_sync.h"

#include <sys/statvfs.h>


#define NGX_SSL_SESSION_SYNC_PRIVATE  65536     /* bytes of the largest file */


/* The words for such a file in error messages. */

typedef struct {
    const char  *what;
    const char  *content;
    const char  *renew;
} ngx_ssl_session_sync_private_t;


static ssize_t ngx_ssl_session_sync_read_private(ngx_conf_t *cf,
    ngx_str_t *name, const ngx_ssl_session_sync_private_t *kind,
    u_char *buf);
static void ngx_ssl_session_sync_log_open(ngx_conf_t *cf, ngx_str_t *name,
    const ngx_ssl_session_sync_private_t *kind, ngx_fd_t fd);
static void ngx_ssl_session_sync_secrets_cleanup(void *data);
static void ngx_ssl_session_sync_auth_cleanup(void *data);


static const ngx_ssl_session_sync_private_t  ngx_ssl_session_sync_secret = {
    "secret file",
    "one secret a line, 64 hex digits",
    "make a new secret"
};

static const ngx_ssl_session_sync_private_t  ngx_ssl_session_sync_password = {
    "auth file",
    "user:password on its first line",
    "change the password"
};


char *
ngx_ssl_session_sync_secret_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_ssl_session_sync_cluster_t  *cluster = conf;

    u_char              *buf;
    ssize_t              n;
    unsigned             line;
    ngx_str_t           *value;
    ngx_pool_cleanup_t  *cln;
    sss_secret_error_t   rc;

    if (cluster->secret_file.data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    cluster->secret_file = value[1];

    if (ngx_conf_full_name(cf->cycle, &cluster->secret_file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cluster->secrets = sss_memory_alloc(sizeof(sss_secrets_t));
    if (cluster->secrets == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_session_sync_secrets_cleanup;
    cln->data = cluster->secrets;

    buf = sss_memory_alloc(NGX_SSL_SESSION_SYNC_PRIVATE);
    if (buf == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_ssl_session_sync_read_private(cf, &cluster->secret_file,
                                          &ngx_ssl_session_sync_secret, buf);

    if (n == NGX_ERROR) {
        sss_memory_free(buf, NGX_SSL_SESSION_SYNC_PRIVATE);
        return NGX_CONF_ERROR;
    }

    line = 0;
    rc = sss_secrets_parse((char *) buf, n, cluster->secrets, &line);

    sss_memory_free(buf, NGX_SSL_SESSION_SYNC_PRIVATE);

    if (rc == SSS_SECRET_EMPTY) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret file \"%V\": %s",
                           &cluster->secret_file, sss_secret_strerror(rc));
        return NGX_CONF_ERROR;
    }

    if (rc != SSS_SECRET_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret file \"%V\" line %ud: %s",
                           &cluster->secret_file, line,
                           sss_secret_strerror(rc));
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_ssl_session_sync_auth_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_ssl_session_sync_cluster_t  *cluster = conf;

    u_char              *buf;
    ssize_t              n;
    ngx_str_t           *value;
    const char          *error;
    ngx_pool_cleanup_t  *cln;

    if (cluster->auth) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cluster->auth = sss_memory_alloc(sizeof(sss_auth_t));
    if (cluster->auth == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_session_sync_auth_cleanup;
    cln->data = cluster->auth;

    buf = sss_memory_alloc(NGX_SSL_SESSION_SYNC_PRIVATE);
    if (buf == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_ssl_session_sync_read_private(cf, &value[1],
                                          &ngx_ssl_session_sync_password, buf);

    if (n == NGX_ERROR) {
        sss_memory_free(buf, NGX_SSL_SESSION_SYNC_PRIVATE);
        return NGX_CONF_ERROR;
    }

    error = sss_auth_parse((char *) buf, n, cluster->auth);

    sss_memory_free(buf, NGX_SSL_SESSION_SYNC_PRIVATE);

    if (error != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "auth file \"%V\": %s",
                           &value[1], error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * Reads a file into "buf", which has NGX_SSL_SESSION_SYNC_PRIVATE bytes.  It
 * is refused if others than its owner and group have access to it.  Returns
 * the number of bytes, or NGX_ERROR after logging why.
 */

static ssize_t
ngx_ssl_session_sync_read_private(ngx_conf_t *cf, ngx_str_t *name,
    const ngx_ssl_session_sync_private_t *kind, u_char *buf)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    n = NGX_ERROR;

    /* without NONBLOCK, opening a FIFO would wait for its writer */

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed; the %s must exist "
                           "and be readable by the user that starts nginx",
                           name, kind->what);
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s \"%V\" is not a regular file; name one with "
                           "%s", kind->what, name, kind->content);
        goto done;
    }

    if (fi.st_mode & (S_IROTH|S_IWOTH|S_IXOTH)) {
        ngx_ssl_session_sync_log_open(cf, name, kind, fd);
        goto done;
    }

    if (ngx_file_size(&fi) > NGX_SSL_SESSION_SYNC_PRIVATE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s \"%V\" is larger than %d bytes; %s, is "
                           "expected", kind->what, name,
                           NGX_SSL_SESSION_SYNC_PRIVATE, kind->content);
        goto done;
    }

    n = ngx_read_fd(fd, buf, NGX_SSL_SESSION_SYNC_PRIVATE);

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", name);
        n = NGX_ERROR;
    }

done:

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return n;
}


/*
 * Says that every user can open the file "name", and what to do about it.  On
 * a read-only filesystem, such as the volume of a Kubernetes Secret, nobody
 * can change the mode of a file: whoever mounts the volume chooses it.
 */

static void
ngx_ssl_session_sync_log_open(ngx_conf_t *cf, ngx_str_t *name,
    const ngx_ssl_session_sync_private_t *kind, ngx_fd_t fd)
{
    struct statvfs  fs;

    if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s \"%V\" is open to every user of this host, "
                           "and its filesystem is read-only; mount it with "
                           "mode 0400 (the volume of a Kubernetes Secret: "
                           "\"defaultMode: 0400\"), and %s if others may "
                           "have read it", kind->what, name, kind->renew);
        return;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "%s \"%V\" is open to every user of this host; "
                       "run \"chmod 600 %V\", and %s if others may have "
                       "read it", kind->what, name, name, kind->renew);
}


static void
ngx_ssl_session_sync_secrets_cleanup(void *data)
{
    sss_memory_free(data, sizeof(sss_secrets_t));
}


static void
ngx_ssl_session_sync_auth_cleanup(void *data)
{
    sss_memory_free(data, sizeof(sss_auth_t));
}
