import { randomUUID } from 'node:crypto';
import { expect, type APIRequestContext } from '@playwright/test';

export const SANDBOX_URL = process.env.SANDBOX_URL ?? 'http://127.0.0.1:4010';

/** How the model behaves for one prompt. sandbox/README.md describes the fields. */
export interface Script {
  times?: number;
  text?: string;
  tool_calls?: { name: string; arguments: unknown }[];
  reasoning?: string;
  length_tokens?: number;
  first_token_delay_ms?: number;
  gap_ms?: number;
  chunk_chars?: number;
  status?: number;
  cut_after_chunks?: number;
  stall_after_chunks?: number;
  usage?: 'exact' | 'missing' | 'zero' | { prompt_tokens: number; completion_tokens: number };
}

/** What the model was asked. */
export interface JournalEntry {
  model: string;
  last_user_message: string;
  message_count: number;
  tool_results: { id: string; content: string }[];
  state: 'streaming' | 'finished' | 'client_gone' | 'failed';
}

/** The mails that were sent, kept by the sandbox. */
export class Mailbox {
  constructor(private readonly request: APIRequestContext) {}

  /** Waits for a mail with this subject, and says where it can be read. */
  async pageOf(to: string, subject: string): Promise<string> {
    const find = async () => {
      const response = await this.request.get(`${SANDBOX_URL}/mail.json`, { params: { to } });
      const mails: { id: number; subject: string }[] = await response.json();
      return mails.find((mail) => mail.subject === subject)?.id;
    };
    await expect.poll(find, `a mail "${subject}"`).toBeDefined();
    return `${SANDBOX_URL}/mail/${await find()}`;
  }
}

/** The model, played by the sandbox. */
export class Model {
  constructor(private readonly request: APIRequestContext) {}

  /** Makes the words unique, so that tests side by side do not share scripts, and answers them as the script says. */
  async script(words: string, script: Script): Promise<string> {
    const prompt = `${words} (${randomUUID().slice(0, 8)})`;
    await this.scriptAgain(prompt, script);
    return prompt;
  }

  /** Another script for the same prompt: from now on this one is used, as long as its `times` last. */
  async scriptAgain(prompt: string, script: Script): Promise<void> {
    const response = await this.request.post(`${SANDBOX_URL}/control/model/scripts`, {
      data: { match: prompt, first_token_delay_ms: 0, gap_ms: 0, ...script },
    });
    expect(response.ok(), await response.text()).toBe(true);
  }

  /** The requests for this prompt so far, oldest first. */
  async journal(prompt: string): Promise<JournalEntry[]> {
    const response = await this.request.get(`${SANDBOX_URL}/control/model/journal`, { params: { contains: prompt } });
    expect(response.ok(), await response.text()).toBe(true);
    return response.json();
  }
}
