# A part of nginx's build: the page's files become a header.

sss_page=$ngx_addon_dir/ngx_module/page
sss_page="$sss_page/page.css $sss_page/page.js $sss_page/icon.svg"

cat << END >> $NGX_MAKEFILE

$NGX_OBJS/ngx_ssl_session_sync_page.h:	$sss_page $ngx_addon_dir/tools/page
	sh $ngx_addon_dir/tools/page $sss_page > \$@.new
	mv \$@.new \$@

END

unset sss_page
