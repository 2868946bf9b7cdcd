"""What the chat page shows: answer events become messages and cards. No module here decides what an answer says."""
