/** The activities: thin, so that everything that can go wrong lies in parts that are tested alone. */

import { Context } from '@temporalio/activity';

import type { Call, Orders } from './orders.js';

/** What `FetchOrder` and `ShipOrder` get. */
export interface OrderInput {
  order: string;
}

/** What `ListItems` gets. */
export interface ItemsInput extends OrderInput {
  pages: number;
}

export type Activities = ReturnType<typeof activities>;

/** The activities and what they are made of. Their names here are the names that Temporal knows. */
export function activities(orders: Pick<Orders, 'fetch' | 'items' | 'ship'>) {
  return {
    /** Reads an order. */
    async FetchOrder({ order }: OrderInput): Promise<unknown> {
      return orders.fetch(call(), order);
    },

    /**
     * Reads all pages of an order's items. A retry goes on after the last page that was reported; a cancelled activity
     * stops at once, because the call is given its signal, which fires when a heartbeat brings the news.
     */
    async ListItems({ order, pages }: ItemsInput): Promise<number> {
      const context = Context.current();
      const done: number = context.info.heartbeatDetails ?? 0;
      for (let page = done + 1; page <= pages; page++) {
        await orders.items(call(), order, page);
        // The number and nothing else: details are stored in plain text.
        context.heartbeat(page);
      }
      return pages;
    },

    /** Ships an order, once, however often it is attempted. */
    async ShipOrder({ order }: OrderInput): Promise<unknown> {
      return orders.ship(call(), order);
    },
  };
}

function call(): Call {
  const { info, cancellationSignal } = Context.current();
  return {
    workflowId: info.workflowExecution?.workflowId ?? '',
    activityId: info.activityId,
    cancelled: cancellationSignal,
  };
}
