import { useEffect, useState } from 'preact/hooks';
import type { Failure } from '../../api.js';
import { asFailure } from '../../api.js';

export interface Listed<T> {
    list: readonly T[] | undefined;
    failure: Failure | undefined;
    reload(): Promise<void>;
}

// What a page shows: read when it is opened, and again when it is asked to.
export function useList<T>(read: () => Promise<readonly T[]>, every = 0): Listed<T> {
    const [list, setList] = useState<readonly T[] | undefined>();
    const [failure, setFailure] = useState<Failure | undefined>();
    const reload = async () => {
        try {
            setList(await read());
            setFailure(undefined);
        } catch (error) {
            setFailure(asFailure(error));
        }
    };

    useEffect(() => {
        void reload();
        if (every === 0) {
            return undefined;
        }
        const timer = setInterval(() => {
            if (!document.hidden) {
                void reload();
            }
        }, every);

        return () => clearInterval(timer);
    }, []);
    return { list, failure, reload };
}
