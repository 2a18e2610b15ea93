# The Redis scripts, as a header.

gmchat_lua="$ngx_addon_dir/src/lua"

cat << END >> $NGX_MAKEFILE

$NGX_OBJS/gmchat/gmchat_scripts.h:	$gmchat_lua/embed.awk \\
	`ls $gmchat_lua/*.lua $gmchat_lua/include/*.lua | tr '\n' ' '`
	mkdir -p $NGX_OBJS/gmchat
	awk -f $gmchat_lua/embed.awk $gmchat_lua/*.lua > \$@.new
	mv \$@.new \$@

END
