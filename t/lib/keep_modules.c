/*
 * For runs under valgrind: nginx unloads its modules before it ends. What they
 * still point to would count as lost, and the functions that allocated it would
 * have no names.
 *
 *     cc -shared -fPIC -o keep_modules.so t/lib/keep_modules.c
 */


int  dlclose(void *handle);


int
dlclose(void *handle)
{
    (void) handle;

    return 0;
}
