"""Procrastinate: one asynchronous worker of the given concurrency over psycopg.

Its `pairs` is not atomic: the handler defers the second job, the handler's own completion is another transaction.
"""

import argparse
import asyncio
import json
import logging
import platform
import random
import resource
import time
from importlib.metadata import version

import procrastinate

# Items in one call of `enqueue-batch`, the same for every system.
BATCH = 100
PICKUPS = 200
# How often we look whether the last completion has been written, in seconds.
LOOK = 0.002


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--measure", required=True, choices=list(MEASURES))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--analyzed", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    return parser.parse_args()


class Bench:
    def __init__(self, options: argparse.Namespace):
        self.options = options
        # Every query of Procrastinate is one statement: autocommit spares it a BEGIN and a COMMIT on the wire.
        connector = procrastinate.PsycopgConnector(
            conninfo=options.url,
            min_size=2,
            max_size=options.workers + 4,
            configure=lambda connection: connection.set_autocommit(True),
        )
        self.app = procrastinate.App(connector=connector)
        self.done = 0
        self.began: asyncio.Future[float] | None = None

        @self.app.task(name="noop")
        async def noop(id: int) -> None:
            self.done += 1

        @self.app.task(name="first")
        async def first(id: int) -> None:
            await noop.defer_async(id=id)

        @self.app.task(name="timed")
        async def timed() -> None:
            now = time.perf_counter()
            self.began.set_result(now)

        self.noop, self.first, self.timed = noop, first, timed

    async def enqueue_one(self) -> None:
        await self.settle()
        clock = start()
        for id in range(self.options.items):
            await self.noop.defer_async(id=id)
        self.report(clock, "items/s", "defer_async, one producer")

    async def enqueue_batch(self) -> None:
        await self.settle()
        clock = start()
        await self.fill(self.noop)
        self.report(clock, "items/s", f"batch_defer_async of {BATCH}, one producer")

    async def drain(self) -> None:
        await self.add_history()
        await self.fill(self.noop)
        await self.work_off("items/s", "async tasks, concurrency = workers")

    async def pairs(self) -> None:
        await self.fill(self.first)
        await self.work_off("pairs/s", "not atomic (defer_async in the handler); async tasks, concurrency = workers")

    async def work_off(self, unit: str, settings: str) -> None:
        """Times a worker from its start until every item is done and its completion written."""
        await self.settle()
        clock = start()
        worker = self.start_worker()
        while self.done < self.options.items or await self.anything_left():
            if worker.done():
                worker.result()
            await asyncio.sleep(LOOK)
        self.report(clock, unit, settings)
        await stop(worker)

    async def pickup(self) -> None:
        worker = self.start_worker()
        rng = random.Random(7)
        samples = []
        for _ in range(PICKUPS):
            await asyncio.sleep(rng.uniform(0.020, 0.060))
            self.began = asyncio.get_running_loop().create_future()
            await self.timed.defer_async()
            enqueued = time.perf_counter()
            samples.append(max(0.0, await self.began - enqueued) * 1000)
        samples.sort()
        for percent in (50, 99):
            value = samples[-(-len(samples) * percent // 100) - 1]
            self.print({"measure": f"pickup-p{percent}", "value": value, "unit": "ms"}, "LISTEN/NOTIFY")
        await stop(worker)

    def start_worker(self) -> asyncio.Task:
        return asyncio.create_task(
            self.app.run_worker_async(
                concurrency=self.options.workers,
                install_signal_handlers=False,
            )
        )

    async def fill(self, task) -> None:
        for start_id in range(0, self.options.items, BATCH):
            ids = range(start_id, min(start_id + BATCH, self.options.items))
            await task.batch_defer_async(*({"id": id} for id in ids))

    async def add_history(self) -> None:
        """Finished jobs with the three events each that a real run leaves."""
        if self.options.history == 0:
            return
        execute = self.app.connector.execute_query_async
        await execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts)"
            " SELECT 'default', 'noop', jsonb_build_object('id', n), 'succeeded', 1"
            " FROM generate_series(1, %(history)s) n",
            history=self.options.history,
        )
        await execute(
            "INSERT INTO procrastinate_events (job_id, type)"
            " SELECT id, kind::procrastinate_job_event_type"
            " FROM procrastinate_jobs, unnest(ARRAY['deferred', 'started', 'succeeded']) kind"
        )

    async def settle(self) -> None:
        """Leaves no checkpoint and no bulk load's aftermath to the timed part."""
        if self.options.analyzed:
            await self.app.connector.execute_query_async("ANALYZE")
        await self.app.connector.execute_query_async("CHECKPOINT")

    async def anything_left(self) -> bool:
        row = await self.app.connector.execute_query_one_async(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'todo')"
            " OR EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'doing') AS some"
        )
        return row["some"]

    def report(self, clock: tuple[float, float], unit: str, settings: str) -> None:
        wall, cpu = (now - then for now, then in zip(start(), clock))
        items = self.options.items
        self.print(
            {
                "measure": self.options.measure,
                "value": items / wall,
                "unit": unit,
                "cpu_s_per_10k": cpu * 10_000 / items,
            },
            settings,
        )

    def print(self, result: dict, settings: str) -> None:
        line = {
            "system": "procrastinate",
            "database": "postgresql",
            "workers": self.options.workers,
            "items": self.options.items,
            "history": self.options.history,
            "analyzed": self.options.analyzed,
            "settings": f"procrastinate {version('procrastinate')}, psycopg {version('psycopg')} (binary), "
            f"Python {platform.python_version()}, autocommit pool of workers + 4; {settings}",
        }
        print(json.dumps(line | result), flush=True)


MEASURES = {
    "enqueue-one": Bench.enqueue_one,
    "enqueue-batch": Bench.enqueue_batch,
    "drain": Bench.drain,
    "pairs": Bench.pairs,
    "pickup": Bench.pickup,
}


def start() -> tuple[float, float]:
    """The wall clock and the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime


async def stop(worker: asyncio.Task) -> None:
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def main() -> None:
    logging.disable(logging.WARNING)
    options = arguments()
    bench = Bench(options)
    async with bench.app.open_async():
        await bench.app.schema_manager.apply_schema_async()
        await MEASURES[options.measure](bench)


asyncio.run(main())
